"""Entities for every consultation of this process: live, and of a whole transcript; and figures of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..model.consultation import Agent
from ..model.entities import Entity
from ..model.events import SidecarState
from ..model.transcript import Utterance
from ..settings import Settings
from .annotator import Annotator, Found
from .create import create_extractor
from .entities import rules
from .extraction import EntityFigures, ExtractionOptions, entities_of


class EntityService:
    """Creates what reads a consultation's words, as the settings and its agent choose."""

    def __init__(self, settings: Settings) -> None:
        self.figures = EntityFigures()
        self._settings = settings

    def prepare(self) -> None:
        """Compile the vocabularies, so that no consultation meets it first."""
        rules.prepare()

    def annotator(
        self, agent: Agent, on_found: Callable[[Found], None], on_state: Callable[[SidecarState, str], None]
    ) -> Annotator:
        """Return what reads a consultation while it is live.

        Raises:
            InvalidSettings: If a chat model is chosen that cannot be asked.
        """
        return Annotator(self._options(agent), on_found, on_state)

    async def of(self, agent: Agent, utterances: Sequence[Utterance]) -> Sequence[Entity]:
        """Return what a whole transcript names.

        Raises:
            InvalidSettings: As annotator.
        """
        return await entities_of(utterances, self._options(agent))

    def _options(self, agent: Agent) -> ExtractionOptions:
        extractor, stand_in = create_extractor(self._settings, agent, self.figures.discarded)
        return ExtractionOptions(extractor, stand_in, self._settings.llm_timeout_s, self.figures)
