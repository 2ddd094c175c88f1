"""What a model cites, checked against what was said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from ..model.insight import Evidence
from ..model.transcript import Utterance
from .findings import spoken_when

RECENT_UTTERANCES = 40
RECENT_CHARACTERS = 12_000


class Cited(BaseModel):
    """A citation as a model writes it."""

    model_config = ConfigDict(extra="forbid")

    utterance_id: str
    quote: str


def proven(cited: Iterable[Cited], utterances: Sequence[Utterance]) -> tuple[Evidence, ...]:
    """Return the citations that hold: literal words of an utterance that was there. Others are dropped."""
    said = {utterance.id: utterance for utterance in utterances}
    found = []
    for one in cited:
        utterance, quote = said.get(one.utterance_id), one.quote.strip()
        start = utterance.text.find(quote) if utterance is not None and quote else -1
        if utterance is not None and start >= 0:
            start_s, end_s = spoken_when(utterance, start, start + len(quote))
            found.append(Evidence(utterance_id=utterance.id, quote=quote, start_s=start_s, end_s=end_s))
    return tuple(found)


def recent(utterances: Sequence[Utterance]) -> Sequence[Utterance]:
    """Return the newest utterances that fit, in order; at least one."""
    left = RECENT_CHARACTERS
    first = len(utterances)
    while first and len(utterances) - first < RECENT_UTTERANCES:
        left -= len(utterances[first - 1].text)
        if left < 0 and first < len(utterances):
            break
        first -= 1
    return utterances[first:]
