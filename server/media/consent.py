"""How long we may go on sending to an address: consent freshness (RFC 7675), its timing only. Pure."""

from __future__ import annotations

import random

EXPIRES_S = 30.0
CHECK_EVERY_S = 5.0
AGAIN_AFTER_S = 1.0
RETRANSMISSIONS = 2
"""Of one check, after 0.5 and 1.5 s; an answer then has 3.5 s to come, where aioice gives it 0.5 s."""


class Consent:
    """Of one connection: given when it was made, renewed by each answered check, over `EXPIRES_S` after the last."""

    def __init__(self, now_s: float, chance: random.Random | None = None) -> None:
        self._renewed_s = now_s
        self._refused = False
        self._chance = chance or random.Random()

    def wait_s(self) -> float:
        """Return the pause before the next check; short while checks go unanswered, to see the way's return at once."""
        if self._refused:
            return AGAIN_AFTER_S
        return CHECK_EVERY_S * self._chance.uniform(0.8, 1.2)

    def checked(self, answered: bool, now_s: float) -> None:
        """Take the outcome of a check."""
        self._refused = not answered
        if answered:
            self._renewed_s = now_s

    def expired(self, now_s: float) -> bool:
        """Tell whether nothing may be sent any more."""
        return now_s - self._renewed_s >= EXPIRES_S
