"""One request for advice in the making: what it costs and what it has given, known even if it never ends."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..model.insight import Tip

if TYPE_CHECKING:
    from .port import Usage

CHARACTERS_PER_TOKEN = 3.5
"""What a tokenizer makes of Portuguese and English, roughly; for endpoints that don't tell."""


class OverBudget(Exception):
    """The request would cost more than is left."""


@dataclass(slots=True)
class Call:
    """Filled in by a generator as it goes; `told` are tips that came before the rest, `given` those that were given."""

    tokens_left: int | None = None
    prompt_version: str = ""
    sent_tokens: int = 0
    usage: Usage | None = None
    discarded: int = 0
    told: list[Tip] = field(default_factory=list)
    given: list[Tip] = field(default_factory=list)

    def sending(self, name: str, system: str, user: str) -> None:
        """Note what is about to be sent.

        Raises:
            OverBudget: If that alone costs more tokens than are left.
        """
        self.prompt_version = f"{name}@{hashlib.sha256(system.encode()).hexdigest()[:12]}"
        self.sent_tokens = _tokens(system) + _tokens(user)
        if self.tokens_left is not None and self.sent_tokens > self.tokens_left:
            raise OverBudget

    @property
    def cost(self) -> tuple[int, int, bool]:
        """Tokens of prompt and answer, and whether they are our estimate."""
        usage = self.usage
        if usage is not None and usage.prompt_tokens + usage.completion_tokens > 0:
            return usage.prompt_tokens, usage.completion_tokens, usage.estimated
        return self.sent_tokens, 0, self.sent_tokens > 0


def _tokens(text: str) -> int:
    return int(len(text) / CHARACTERS_PER_TOKEN) + 1
