"""Small dialogues for tests: "c: …" is the clinician, "p: …" the patient."""

from collections.abc import Sequence

from server.insight.port import Dialogue
from server.insight.providers.rules import Rules
from server.model.consultation import Agent, Language, Role
from server.model.insight import Tip
from server.model.transcript import Utterance

AGENT = Agent(id="default", name="Default")
TURN_S = 5.0


def utterance(turn: str, number: int = 0, language: str = "pt") -> Utterance:
    speaker, _, text = turn.partition(":")
    role = {"c": Role.CLINICIAN, "p": Role.PATIENT}[speaker]
    start_s = number * TURN_S
    return Utterance(
        id=f"u{number}", role=role, start_s=start_s, end_s=start_s + 4, text=text.strip(), language=language
    )


def utterances(turns: Sequence[str], language: str = "pt") -> list[Utterance]:
    return [utterance(turn, number, language) for number, turn in enumerate(turns)]


def tips(
    *turns: str, language: Language = "pt", spoken: str | None = None, agent: Agent = AGENT, rules: Rules | None = None
) -> list[Tip]:
    """Return every tip that the rules give as the dialogue goes on, in order."""
    said = utterances(turns, spoken or ("pt" if language == "auto" else language))
    rules = rules or Rules()
    given: list[Tip] = []
    for end in range(1, len(said) + 1):
        given += rules.tips(Dialogue(language=language, utterances=said[:end], agent=agent, given=tuple(given)))
    texts = {one.id: one.text for one in said}
    for tip in given:
        assert tip.evidence, f"{tip.subject} cites nothing"
        assert all(cited.quote and cited.quote in texts[cited.utterance_id] for cited in tip.evidence)
    return given


def subjects(*turns: str, language: Language = "pt", agent: Agent = AGENT) -> set[str]:
    return {tip.subject for tip in tips(*turns, language=language, agent=agent)}
