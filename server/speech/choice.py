"""Several providers in one speech process: the owner's, and those that agents name, loaded when first asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import structlog

from ..model.errors import EscutaError, InvalidSettings
from .delivery import Delivery
from .model_figures import ModelFigures
from .options import ProviderOptions
from .port import Gap, Pcm, ServiceChanged, SpeechEvent, SpeechStream, SpeechToText, StreamOptions
from .providers import create_provider
from .remote import RemoteSpeech
from .shared import SharedRecogniser

log = structlog.get_logger()


class Unheard:
    """The stream of a participant whose provider cannot be used: says so, and what was missed."""

    def __init__(self) -> None:
        self._events = Delivery()
        self._events.put(ServiceChanged("failing", "unreachable"))
        self._start_s: float | None = None
        self._end_s = 0.0

    def push_pcm(self, samples: Pcm, start_s: float) -> None:
        """Note that there was sound."""
        self._start_s = start_s if self._start_s is None else self._start_s
        self._end_s = max(self._end_s, start_s + len(samples) / 16_000)

    def flush(self) -> None:
        """There is nothing to settle."""

    def end_input(self) -> None:
        """Say what was missed, and end."""
        if self._start_s is not None:
            self._events.put(Gap(self._start_s, self._end_s))
            self._start_s = None
        self._events.end()

    def __aiter__(self) -> AsyncIterator[SpeechEvent]:
        return self

    async def __anext__(self) -> SpeechEvent:
        return await self._events.next()

    async def aclose(self) -> None:
        """End the iteration."""
        self._events.end()


class Choice:
    """A `SpeechToText` that opens each stream with the provider it names, else with `default`.

    A provider that cannot be used is replaced by SPEECH_FALLBACK or by nothing, never by another service
    elsewhere: voices go only where they were meant to go.
    """

    def __init__(self, default: str, options: ProviderOptions) -> None:
        self.name = default
        self._options = options
        self._providers: dict[str, SpeechToText] = {}
        self._starting = asyncio.Lock()

    async def start(self) -> None:
        """Load the default provider, and what stands in for it.

        Raises:
            SpeechUnavailable: If either cannot be used.
            InvalidSettings: If either is none, or what stands in is not a model on this machine.
        """
        await self._started(self.name)

    async def open(self, options: StreamOptions) -> SpeechStream:
        """Open a stream with the provider that `options` name."""
        name = options.provider or self.name
        try:
            return await (await self._started(name)).open(options)
        except EscutaError as error:
            log.warning("speech.provider_unusable", provider=name, reason=str(error))
        return await self._stand_in(name, options) or Unheard()

    def figures(self) -> ModelFigures:
        """Return what the queues into the models on this machine have counted."""
        local = [provider for provider in self._providers.values() if isinstance(provider, SharedRecogniser)]
        return sum((provider.figures() for provider in local), ModelFigures())

    async def aclose(self) -> None:
        """End every stream; those that lean on others go first."""
        names = sorted(self._providers, key=lambda name: isinstance(self._providers[name], SharedRecogniser))
        for name in names:
            await self._providers[name].aclose()
        self._providers.clear()

    async def _stand_in(self, instead_of: str, options: StreamOptions) -> SpeechStream | None:
        if not self._options.fallback:
            return None
        try:
            async with self._starting:
                local = await self._local(instead_of)
            stream = await local.open(options)
        except EscutaError as error:
            log.warning("speech.provider_unusable", provider=self._options.fallback, reason=str(error))
            return None
        stream.note(ServiceChanged("delayed", "fallback"))
        return stream

    async def _started(self, name: str) -> SpeechToText:
        async with self._starting:
            return await self._load(name)

    async def _load(self, name: str) -> SpeechToText:
        if name not in self._providers:
            provider = create_provider(name, self._options)
            if isinstance(provider, RemoteSpeech) and self._options.fallback:
                provider.lean_on(await self._local(name))
            await provider.start()
            self._providers[name] = provider
        return self._providers[name]

    async def _local(self, instead_of: str) -> SharedRecogniser:
        name = self._options.fallback
        found = None if name == instead_of else await self._load(name)
        if not isinstance(found, SharedRecogniser):
            raise InvalidSettings(f"SPEECH_FALLBACK is {name!r}, no model on this machine: use faster_whisper.")
        return found
