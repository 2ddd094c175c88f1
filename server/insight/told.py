"""What a chat model is told: instructions of ours and of the agent's owner, and everything else as one JSON object."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ..model.transcript import Utterance
from .citing import RECENT_CHARACTERS
from .languages import known_language
from .port import Dialogue

PROMPTS = Path(__file__).parent / "prompts"
RECENT_TIPS = 20


def language_of(dialogue: Dialogue) -> str:
    """Return "pt" or "en": what is spoken, or set."""
    if dialogue.language != "auto":
        return known_language(dialogue.language)
    return known_language(dialogue.utterances[-1].language if dialogue.utterances else dialogue.agent.language)


def instructions(name: str, dialogue: Dialogue, **values: object) -> str:
    """Return the packaged prompt `name` with `values`, and the agent's own after it."""
    parts = [_prompt(name, language_of(dialogue)).format(**values).strip()]
    if dialogue.agent.prompt.strip():
        parts.append(dialogue.agent.prompt.strip())
    return "\n\n".join(parts)


def data(dialogue: Dialogue, recent: Sequence[Utterance], **more: Any) -> str:
    """Return all that is known as one JSON object: nothing spoken or typed can end the string it stands in."""
    background = dialogue.background
    told: dict[str, Any] = {
        "context": {
            "beforehand": background.initial,
            "participants": [
                {"role": person.role.value} | ({"name": person.name} if person.name else {})
                for person in background.people
            ],
            "sources": dict(background.data),
        },
        "facts": dialogue.notes.facts(),
        "entities": dialogue.notes.of(recent),
        "dialogue": [
            {"utterance_id": one.id, "speaker": one.role.value, "text": one.text[:RECENT_CHARACTERS]} for one in recent
        ],
    }
    return json.dumps(more | told, ensure_ascii=False)


@cache
def _prompt(name: str, language: str) -> str:
    return (PROMPTS / f"{name}.{language}.md").read_text("utf-8")
