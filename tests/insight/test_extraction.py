"""A model may fail at any time: the rules stand in, and nobody waits longer than he must."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from server.insight import extraction
from server.insight.entities.port import Passage
from server.insight.entities.rules import RuleExtractor
from server.insight.extraction import REST_S, Extraction, ExtractionOptions, entities_of
from server.model.entities import Assertion, Entity
from server.model.errors import ChatModelDelayed, ChatModelUnavailable
from tests.insight.spoken import utterances

SAID = utterances(["c: Tem febre?", "p: Não."])
PASSAGE = Passage(SAID, frozenset({"u0", "u1"}))
FOUND = Entity.model_validate(
    {"id": "x", "utterance_id": "u0", "category": "Time", "text": "Tem", "start": 0, "end": 3}
)


class Model:
    """Gives `answers` one after another: entities, an error to raise, or None to hang."""

    name = "model"

    def __init__(self, *answers: list[Entity] | Exception | None) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.closed = 0
        self.asking = asyncio.Event()

    async def extract(self, passage: Passage) -> Sequence[Entity]:
        self.asked += 1
        self.asking.set()
        answer = self.answers.pop(0)
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        return answer or ()

    async def aclose(self) -> None:
        self.closed += 1


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (None, "delayed"),
        (ChatModelDelayed("late"), "delayed"),
        (ChatModelUnavailable("away"), "failing"),
        (RuntimeError("secret words"), "failing"),
    ],
)
async def test_the_rules_stand_in_and_the_model_rests_before_it_is_asked_again(
    answer: Exception | None, state: str
) -> None:
    clock, model = Clock(), Model(answer, [FOUND])
    asking = Extraction(ExtractionOptions(model, RuleExtractor(), 0.01, now_s=clock))
    found, provider = await asking.of(PASSAGE)
    assert ([one.text for one in found], provider) == (["febre", "febre"], "rules")
    assert (asking.state, asking.figures.failed) == (state, 1)
    assert "secret" not in asking.detail
    clock.now = REST_S - 1
    assert (await asking.of(PASSAGE))[1] == "rules"
    assert model.asked == 1
    clock.now = REST_S + 1
    assert await asking.of(PASSAGE) == ([FOUND], "model")
    assert (asking.state, asking.detail) == ("ok", "")


async def test_the_end_of_the_consultation_hurries_a_model_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "LAST_S", 0.01)
    model = Model(None)
    asking = Extraction(ExtractionOptions(model, RuleExtractor(), timeout_s=60))
    waiting = asyncio.create_task(asking.of(PASSAGE))
    await model.asking.wait()
    asking.hurry()
    assert (await waiting)[1] == "rules"
    assert (await asking.of(PASSAGE))[1] == "rules"
    assert model.asked == 1


async def test_rules_that_fail_cost_what_they_would_have_found_and_nothing_else() -> None:
    alone = Extraction(ExtractionOptions(Model(RuntimeError("boom"), [FOUND])))
    assert await alone.of(PASSAGE) == ((), "model")
    assert await alone.of(PASSAGE) == ([FOUND], "model")
    both = Extraction(ExtractionOptions(Model(RuntimeError("a")), Model(RuntimeError("b"))))
    assert await both.of(PASSAGE) == ((), "model")
    assert both.figures.failed == 2


async def test_a_whole_transcript_is_read_in_parts_and_its_answers_count() -> None:
    turns = ["c: Tem febre?", "p: Não.", *["p: Estou com tosse."] * 20]
    found = await entities_of(list(reversed(utterances(turns))), ExtractionOptions(RuleExtractor()))
    assert [(one.text, one.assertion) for one in found][:2] == [
        ("febre", Assertion.NEGATED),
        ("tosse", Assertion.AFFIRMED),
    ]
    assert len(found) == 21


async def test_a_whole_transcript_is_read_though_the_model_fails_and_the_model_is_closed() -> None:
    model = Model(ChatModelUnavailable("away"))
    found = await entities_of(SAID, ExtractionOptions(model, RuleExtractor()))
    assert [(one.text, one.assertion) for one in found] == [("febre", Assertion.NEGATED)]
    assert model.closed == 1
