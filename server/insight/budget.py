"""What a chat model may still cost in one consultation."""

from __future__ import annotations

from collections.abc import Iterable

from ..model.advice_events import Interaction


class Budget:
    """Counts calls and tokens against an agent's limits."""

    def __init__(self, max_calls: int, max_tokens: int) -> None:
        self.calls = 0
        self.tokens = 0
        self._max_calls = max_calls
        self._max_tokens = max_tokens
        self._refused = False

    @property
    def spent(self) -> bool:
        """Whether the model may not be asked any more."""
        return self._refused or self.calls >= self._max_calls or self.tokens >= self._max_tokens

    @property
    def tokens_left(self) -> int:
        """How many tokens a call may cost at most."""
        return max(0, self._max_tokens - self.tokens)

    def begin(self) -> None:
        """Count a call."""
        self.calls += 1

    def add(self, tokens: int) -> None:
        """Count what a call has cost."""
        self.tokens += tokens

    def refuse(self) -> None:
        """Note that a call was not made, because it would have cost more than is left."""
        self._refused = True
        self.calls -= 1

    def restore(self, interactions: Iterable[Interaction], model: str) -> None:
        """Count what the consultation's earlier life asked of the generator `model`."""
        for one in interactions:
            if one.generator == model:
                self.calls += 1
                self.tokens += one.prompt_tokens + one.completion_tokens
