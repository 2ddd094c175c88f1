"""When a model is asked, what that may cost, and that every time is noted."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from server.insight.background import Background, Person
from server.insight.llm_tips import LlmTips
from server.insight.port import Dialogue, OnTip, Reply, Usage
from server.insight.providers.rules import Rules
from server.insight.providers.scripted import ScriptedChatModel
from server.model.consultation import Agent, Role
from server.model.errors import ChatModelUnavailable
from server.model.insight import Audience, Tip, TipKind, TipMark
from tests.insight.listening import listening
from tests.insight.spoken import AGENT, utterance

CHEST = "p: Estou com dor no peito."
NAUSEA = "p: Também tenho enjoo desde ontem."


def proposal(quote: str, utterance_id: str = "u0", **more: Any) -> dict[str, Any]:
    evidence = [{"utterance_id": utterance_id, "quote": quote}]
    return {
        "kind": "tip", "subject": "coração", "urgent": False, "evidence": evidence, "text": "Considere ECG."
    } | more  # fmt: skip


class Costly(ScriptedChatModel):
    """Says that each answer costs 2,000 tokens, if it says anything."""

    tells = True

    async def complete(self, **request: Any) -> Reply:
        reply = await super().complete(**request)
        usage = Usage("small-1", 1900, 100, 0.5) if self.tells else Usage("small-1", 0, 0, 0.5)
        return Reply(reply.content, usage)


async def test_a_model_is_asked_after_the_patients_news_alone() -> None:
    model = ScriptedChatModel()
    async with listening(LlmTips(model)) as at:
        for turn in ("c: Bom dia, o que houve?", CHEST, "c: Desde quando essa dor?", "p: Obrigada.", CHEST):
            at.hear(turn)
            await at.settle()
        assert len(model.asked) == 1


async def test_the_rules_answer_the_clinicians_turn_while_a_model_thinks() -> None:
    thinking = asyncio.Event()

    async def slow(_: Any) -> Any:
        await thinking.wait()
        return {"tips": []}

    async with listening(LlmTips(ScriptedChatModel([slow]))) as at:
        at.hear("p: Tenho alergia a dipirona.")
        await at.settle()
        at.hear("c: Vou receitar dipirona.")
        await at.settle()
        assert [tip.subject for tip in at.tips if tip.urgent] == ["allergy_conflict.dipyrone"]
        thinking.set()


@pytest.mark.parametrize(
    ("limit", "spent"),
    [({"max_calls": 2}, (2, 4000)), ({"max_tokens": 4000}, (2, 4000)), ({"max_tokens": 0}, (0, 0))],
    ids=str,
)
async def test_a_spent_budget_is_said_once_and_the_rules_go_on(limit: dict[str, int], spent: tuple[int, int]) -> None:
    model = Costly()
    async with listening(LlmTips(model), agent=AGENT.model_copy(update=limit)) as at:
        for turn in (NAUSEA, "p: Sinto muita tontura.", "p: E coceira nas mãos.", CHEST):
            at.hear(turn)
            await at.settle()
        assert at.spent == [spent]
        assert len(model.asked) == spent[0]
        assert [tip.subject for tip in at.tips] == ["red_flag.chest_pain"]
        assert at.states == []


async def test_a_request_that_would_cost_more_than_is_left_is_not_sent() -> None:
    model = Costly()
    async with listening(LlmTips(model), agent=AGENT.model_copy(update={"max_tokens": 300})) as at:
        at.hear(CHEST)
        await at.settle()
        assert model.asked == []
        assert at.spent == [(0, 0)]
        assert [tip.subject for tip in at.tips] == ["red_flag.chest_pain"]


async def test_a_model_that_tells_no_tokens_is_counted_by_its_words() -> None:
    model = Costly()
    model.tells = False
    async with listening(LlmTips(model)) as at:
        at.hear(CHEST)
        await at.settle()
        (noted,) = [one for one in at.interactions if one.generator == "scripted"]
        assert noted.estimated
        assert noted.prompt_tokens > 200


async def test_what_an_earlier_life_spent_counts() -> None:
    agent = AGENT.model_copy(update={"max_calls": 2})
    async with listening(LlmTips(Costly()), agent=agent) as at:
        at.hear(NAUSEA)
        await at.settle()
        spent = at.interactions
    model = Costly()
    async with listening(LlmTips(model), agent=agent) as at:
        at.advisor.restore([], [], spent)
        for turn in ("p: Sinto muita tontura.", "p: E coceira nas mãos."):
            at.hear(turn)
            await at.settle()
        assert len(model.asked) == 1
        assert at.spent == [(2, 4000)]


async def test_every_request_is_noted_with_its_cost_and_its_result() -> None:
    good, unproven = proposal("dor no peito"), proposal("nunca dito")
    model = Costly([{"tips": [good, unproven]}, ChatModelUnavailable("The chat model at x refused the key (401).")])
    background = Background(states={"record": "ok", "labs": "It cannot be reached."})
    async with listening(LlmTips(model)) as at:
        at.advisor.know(background)
        at.now_s = 1.0
        at.hear(CHEST)
        at.now_s = 1.25
        await at.settle()
        at.hear(NAUSEA)
        await at.settle()
        rules, answered, failed = at.interactions
        assert (rules.generator, rules.outcome, rules.prompt_tokens, rules.sources) == ("rules", "answered", 0, {})
        assert (answered.purpose, answered.outcome, answered.model) == ("tips", "answered", "small-1")
        assert (answered.prompt_tokens, answered.completion_tokens, answered.estimated) == (1900, 100, False)
        assert (answered.latency_s, answered.heard, answered.discarded) == (0.25, ("u0",), 1)
        assert answered.sources == background.states
        assert answered.prompt_version.startswith("tips@")
        assert answered.tip_ids == tuple(tip.id for tip in at.tips if tip.model == "scripted")
        assert (failed.outcome, failed.tip_ids, failed.heard) == ("failed", (), ("u1",))
        assert failed.prompt_version == answered.prompt_version
        assert "dor" not in repr((answered, failed))


async def test_another_prompt_is_another_version() -> None:
    versions = set()
    for prompt in ("", "Seja breve.", "Seja breve."):
        async with listening(LlmTips(Costly()), agent=AGENT.model_copy(update={"prompt": prompt})) as at:
            at.hear(CHEST)
            await at.settle()
            versions |= {one.prompt_version for one in at.interactions if one.generator == "scripted"}
    assert len(versions) == 2


async def test_a_superseded_request_is_noted_and_costs_what_was_sent() -> None:
    thinking = asyncio.Event()

    async def slow(_: Any) -> Any:
        await thinking.wait()
        return {"tips": []}

    async with listening(LlmTips(Costly([slow]))) as at:
        at.hear(NAUSEA)
        await at.settle()
        at.hear("p: Sinto muita tontura.")
        await at.settle()
        superseded, answered = [one for one in at.interactions if one.generator == "scripted"]
        assert (superseded.outcome, superseded.estimated) == ("superseded", True)
        assert superseded.prompt_tokens > 200
        assert answered.heard == ("u0", "u1")


@pytest.mark.parametrize("kind", [kind for kind in TipKind if kind is not TipKind.ANSWER])
async def test_what_the_agent_may_not_suggest_is_withheld_whoever_says_it(kind: TipKind) -> None:
    model = ScriptedChatModel([{"tips": [proposal("dor no peito", kind=kind.value)]}])
    allowed = tuple(one for one in TipKind if one is not kind)
    for suggests, expected in ((allowed, []), ((kind,), [kind])):
        async with listening(LlmTips(model), agent=AGENT.model_copy(update={"suggests": suggests})) as at:
            at.hear(CHEST)
            await at.settle()
            assert [tip.kind for tip in at.tips if tip.model == "scripted"] == expected
        model = ScriptedChatModel([{"tips": [proposal("dor no peito", kind=kind.value)]}])


async def test_no_explanations_where_nothing_goes_to_the_patient() -> None:
    agent = AGENT.model_copy(update={"to_patient": "nothing"})
    for made_for, expected in ((AGENT, {"action.ecg", "explanation.ecg"}), (agent, {"action.ecg"})):
        async with listening(Rules(), agent=made_for) as at:
            at.hear("c: Vou pedir um eletrocardiograma.")
            await at.settle()
            assert {tip.subject for tip in at.tips} == expected


class Streaming:
    """Tells of one tip before the rest comes."""

    name = "streaming"

    def __init__(self) -> None:
        self.more = asyncio.Event()

    async def consider(self, dialogue: Dialogue, on_tip: OnTip | None = None) -> Sequence[Tip]:
        first, second = (
            Tip(id=f"t{n}", kind=TipKind.TIP, audience=Audience.ALL, text=text)
            for n, text in ((1, "Pergunte da febre."), (2, "Considere hemograma."))
        )
        if on_tip is not None:
            on_tip(first)
        await self.more.wait()
        return [first, second]

    async def aclose(self) -> None:
        """Nothing to close."""


async def test_a_tip_is_given_as_soon_as_it_is_complete_and_once() -> None:
    generator = Streaming()
    async with listening(generator) as at:
        at.hear(NAUSEA)
        await at.settle()
        assert [tip.id for tip in at.tips] == ["t1"]
        generator.more.set()
        await at.settle()
        assert [(tip.id, tip.audience) for tip in at.tips] == [("t1", "clinician"), ("t2", "clinician")]
        assert at.interactions[-1].tip_ids == ("t1", "t2")


async def test_the_model_is_told_what_is_known_and_no_name_unless_shared() -> None:
    model = ScriptedChatModel()
    people = (Person(Role.PATIENT), Person(Role.CLINICIAN, "Ana"))
    async with listening(LlmTips(model)) as at:
        at.advisor.know(Background("Gestante", people, {"record": {"labs": [1]}}, {"record": "ok"}))
        at.hear("c: Tem alergia a algum medicamento?", "p: Sim, tenho alergia a dipirona.")
        await at.settle()
    told = _json(model.asked[0].user)
    assert told["context"] == {
        "beforehand": "Gestante",
        "participants": [{"role": "patient"}, {"role": "clinician", "name": "Ana"}],
        "sources": {"record": {"labs": [1]}},
    }
    assert {"category": "Allergen", "name": "dipirona", "assertion": "affirmed", "utterance_id": "u1"} in told["facts"]
    assert {one["utterance_id"] for one in told["entities"]} == {"u0", "u1"}


async def test_settled_facts_outlast_the_recent_dialogue() -> None:
    model = ScriptedChatModel()
    async with listening(LlmTips(model)) as at:
        at.advisor.restore([utterance("p: Tenho alergia a dipirona.", 0)], [])
        at._count = 1
        at.hear(*(f"c: Certo, a parte número {n} já está anotada aqui." for n in range(60)))
        at.hear(NAUSEA)
        await at.settle()
    told = _json(model.asked[-1].user)
    assert "u0" not in {one["utterance_id"] for one in told["dialogue"]}
    assert "dipirona" in {fact["name"] for fact in told["facts"]}


async def test_what_was_dismissed_before_a_restart_stays_dismissed() -> None:
    again = proposal("enjoo", "u1", subject="outro", text="Considere ECG hoje.")
    dismissed = Tip(id="t0", kind=TipKind.TIP, audience=Audience.CLINICIAN, text="Considere ECG agora.", subject="ecg")
    for mark, count in ((TipMark.DISMISSED, 0), (None, 1)):
        async with listening(LlmTips(ScriptedChatModel([{"tips": [again]}]))) as at:
            at.advisor.restore([], [dismissed])
            if mark is not None:
                at.advisor.marked(dismissed, mark)
            at._count = 1
            at.hear(NAUSEA)
            await at.settle()
            assert len(at.tips) == count


def _json(text: str) -> Any:
    return json.loads(text)


def test_an_agent_may_suggest_everything_until_told_otherwise() -> None:
    assert Agent(id="a", name="A").suggests == tuple(TipKind)
