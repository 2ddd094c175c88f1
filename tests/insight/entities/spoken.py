"""Turns to entities, for tests."""

from server.insight.entities.extract import extract
from server.insight.measure.consultations import dialogue
from server.insight.measure.entity_score import understood
from server.model.entities import Entity


def consultation(*turns: str, language: str = "pt") -> list[Entity]:
    """Return what is known after `turns` ("c: …", "p: …")."""
    return understood(dialogue("test", "\n".join((f"# language: {language}", *turns))).utterances)


def entities(text: str, language: str = "pt", role: str = "p") -> tuple[Entity, ...]:
    """Return the entities of one utterance."""
    (utterance,) = dialogue("test", f"# language: {language}\n{role}: {text}").utterances
    return extract(utterance)


def brief(found: list[Entity] | tuple[Entity, ...]) -> list[tuple[str, str, str]]:
    """Return category, words and assertion of each."""
    return [(one.category.value, one.text, one.assertion.value) for one in found]


def stands(text: str, words: str, language: str = "pt", role: str = "p") -> str:
    """Return how `words` stand in `text`, "" if they are no entity."""
    return next((one.assertion.value for one in entities(text, language, role) if one.text == words), "")
