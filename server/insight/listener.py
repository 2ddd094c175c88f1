"""Who is told what an advisor does. Nothing here blocks."""

from __future__ import annotations

from typing import Protocol

from ..model.advice_events import Interaction
from ..model.events import SidecarState
from ..model.insight import Tip


class AdviceListener(Protocol):
    """The room's side of an advisor."""

    def on_tip(self, tip: Tip) -> None:
        """A tip, or an answer, is given."""

    def on_state(self, state: SidecarState, detail: str) -> None:
        """The model does well, or not."""

    def on_interaction(self, interaction: Interaction) -> None:
        """Advice was asked for."""

    def on_spent(self, calls: int, tokens: int) -> None:
        """The model may cost no more in this consultation; told once."""
