"""A chat model that marks the words it knows, as one that does what it is asked would."""

from __future__ import annotations

import json
import re
from typing import Any

from server.insight.providers.scripted import Asked

KNOWN = {
    "febre": ("SymptomOrSign", "febre"),
    "dor de cabeça": ("SymptomOrSign", "dor de cabeça"),
    "losartana": ("MedicationName", "losartana"),
    "50 mg": ("Dosage", "50 mg"),
    "fever": ("SymptomOrSign", "fever"),
    "headache": ("SymptomOrSign", "headache"),
    "losartan": ("MedicationName", "losartan"),
}
MEDICINES = ("losartana", "losartan")
DENIES = re.compile(r"^(não|no)\b", re.IGNORECASE)


def answer(user: str) -> dict[str, Any]:
    """Return what such a model answers to the message `user`."""
    given = json.loads(user)
    entities, settled = [], []
    for said in given["dialogue"]:
        if not said["read"]:
            continue
        for words, (category, normal) in KNOWN.items():
            for found in re.finditer(rf"\b{words}\b", said["text"]):
                asked = said["text"][found.end() :].startswith("?")
                about = next((name for name in MEDICINES if name in said["text"]), "") if category == "Dosage" else ""
                entities.append(
                    {
                        "utterance_id": said["utterance_id"],
                        "text": found.group(),
                        "category": category,
                        "assertion": "asked" if asked else "affirmed",
                        "normal": normal,
                        "about": about,
                    }
                )
        settled += [
            {"id": one["id"], "utterance_id": said["utterance_id"], "assertion": "negated"}
            for one in given["asked"]
            if DENIES.match(said["text"])
        ]
    return {"entities": entities, "settled": settled}


async def say(asked: Asked) -> dict[str, Any]:
    """Answer as a ScriptedChatModel's entry."""
    return answer(asked.user)
