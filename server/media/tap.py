"""What a peer tells its listener; a listener that fails is counted and never reaches the transport."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

import structlog

from ..model.audio import OpusPacket, SenderReport

log = structlog.get_logger()

PeerState = Literal["connecting", "connected", "failed", "closed"]


class PeerListener(Protocol):
    """Hears one peer. Every method is called on the event loop and must return at once."""

    def on_audio(self, packet: OpusPacket) -> None:
        """Take one Opus packet, in order of arrival, before any jitter buffer."""

    def on_sender_report(self, report: SenderReport) -> None:
        """Take one sender report of the audio stream."""

    def on_connection_state(self, state: PeerState) -> None:
        """Note that the connection's state changed."""


class Tap:
    """Calls a listener and contains what it raises."""

    def __init__(self, listener: PeerListener) -> None:
        self.errors = 0
        self._listener = listener
        self._state: PeerState | None = None

    def audio(self, packet: OpusPacket) -> None:
        """Pass an audio packet on."""
        try:
            self._listener.on_audio(packet)
        except Exception:
            self._failed()

    def report(self, report: SenderReport) -> None:
        """Pass a sender report on."""
        self._contained(lambda: self._listener.on_sender_report(report))

    def state(self, state: PeerState) -> None:
        """Pass a change of state on; nothing follows `closed`, and only that follows `failed`."""
        if state == self._state or self._state == "closed" or (self._state == "failed" and state != "closed"):
            return
        self._state = state
        self._contained(lambda: self._listener.on_connection_state(state))

    def _contained(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:
            self._failed()

    def _failed(self) -> None:
        # An exception going on would close the connection of somebody who talks.
        self.errors += 1
        if self.errors == 1:
            log.exception("media.listener_failed")
