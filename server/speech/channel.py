"""One participant's way to the speech process: bounded, in order, and kept until it has been settled."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import structlog

from ..model.audio import OpusPacket
from .port import Final, Gap, Interim, OpenUtterance, SpeechEvent, StreamOptions
from .protocol import encode_json, encode_packet
from .resumption import closing

log = structlog.get_logger()

KEPT_S = 60.0
"""How much audio waits at most for a process that is loading, behind, or starting again."""

_PACKET_S = 0.02
_GAP_STATED_EVERY_S = 1.0

_Item = OpusPacket | dict[str, Any]


class SpeechChannel:
    """What the room holds of one participant's recognition. Nothing here blocks or raises.

    Packets stay until a final covers them, so that a process that takes over hears them again. Of more than
    60 s, the oldest go; if they were never sent, a `Gap` says so.
    """

    def __init__(
        self, number: int, options: StreamOptions, on_event: Callable[[SpeechEvent], None], wake: Callable[[], None]
    ) -> None:
        self.number = number
        self.options = options
        self.finals = 0
        self.on_event_errors = 0
        self._on_event = on_event
        self._wake = wake
        self._items: deque[_Item] = deque()
        self._sent = 0
        self._opened = False
        self._gap: Gap | None = None
        self._open_interims: dict[str, OpenUtterance] = {}
        self._closing = False
        self._closed = asyncio.Event()

    def push_packet(self, packet: OpusPacket) -> None:
        """Take a packet as it arrived."""
        if self._closing:
            return
        self._items.append(packet)
        self._forget_beyond(packet.arrival_s - KEPT_S)
        self._wake()

    def mark_connection(self) -> None:
        """State that the packets to come belong to a new connection."""
        self._command("connection")

    def flush(self) -> None:
        """Settle the running utterance now, for instance because the microphone was muted."""
        self._command("flush")

    async def close(self, timeout_s: float = 10.0, most_s: float = 0.0) -> None:
        """End the input and wait for the last finals: at most `timeout_s` or, while finals come in time, `most_s`."""
        if not self._closing:
            self._command("close")
            self._closing = True
        loop = asyncio.get_running_loop()
        latest_s = loop.time() + max(timeout_s, most_s)
        while not self.closed:
            finals = self.finals
            try:
                await asyncio.wait_for(self._closed.wait(), min(timeout_s, latest_s - loop.time()))
            except TimeoutError:
                if self.finals > finals and loop.time() < latest_s:
                    continue
                log.warning("speech.close_timed_out", waiting=len(self._items) - self._sent)
                self.abandon()

    @property
    def closed(self) -> bool:
        """Whether nothing comes any more."""
        return self._closed.is_set()

    @property
    def known_to_process(self) -> bool:
        """Whether the process has a stream for this channel."""
        return self._opened

    @property
    def waiting(self) -> bool:
        """Whether there is more that the process has not got yet."""
        return self._sent < len(self._items)

    def take_unsent(self, most: int) -> bytes:
        """Return up to `most` items that the process has not got yet, as frames."""
        if self.closed and not self._opened:
            return b""
        frames = bytearray()
        self._state_gap()
        if not self._opened:
            self._opened = True
            options = replace(self.options, resume=tuple(self._open_interims.values()))
            frames += encode_json({"type": "open", "channel": self.number, "options": asdict(options)})
        while self._sent < len(self._items) and most > 0:
            item = self._items[self._sent]
            self._sent += 1
            most -= 1
            if isinstance(item, OpusPacket):
                frames += encode_packet(self.number, item)
            else:
                frames += encode_json(item)
        return bytes(frames)

    def receive(self, event: SpeechEvent) -> None:
        """Pass on what the process says, and let go of the audio that a final settles."""
        if self.closed:
            return
        if isinstance(event, Interim):
            settled = event.text[: event.settled_chars]
            opened = OpenUtterance(event.utterance_id, event.start_s, event.end_s, settled)
            self._open_interims[event.utterance_id] = opened
        elif isinstance(event, Final):
            self._open_interims.pop(event.utterance_id, None)
            self.finals += 1
            self._forget_settled(event.end_s)
        self._emit(event)

    def confirm_closed(self) -> None:
        """The process has said its last about this channel."""
        self._items.clear()
        self._sent = 0
        self._opened = False
        self._closed.set()

    def abandon(self) -> None:
        """Close utterances that no final will follow with what had settled, tell the process, if it knows, and end."""
        if self.closed:
            return
        self._closing = True
        self._close_utterances()
        self._items.clear()
        self._items.append({"type": "close", "channel": self.number})
        self._sent = 0
        self._closed.set()
        self._wake()

    def start_again(self, *, forget_audio: bool) -> None:
        """A new process takes over: send what is kept and what was shown of it, or give it up as the likely cause."""
        self._opened = False
        if forget_audio:
            self._close_utterances()
            packets = [item for item in self._items if isinstance(item, OpusPacket)]
            if packets:
                self._emit(Gap(packets[0].arrival_s, packets[-1].arrival_s))
            self._items = deque(item for item in self._items if not isinstance(item, OpusPacket))
        self._sent = 0

    def _command(self, kind: str) -> None:
        if self._closing:
            return
        self._items.append({"type": kind, "channel": self.number})
        self._wake()

    def _close_utterances(self) -> None:
        for opened in self._open_interims.values():
            self._emit(closing(opened, self.options.language or ""))
        self._open_interims.clear()

    def _forget_settled(self, until_s: float) -> None:
        while self._sent and self._is_before(self._items[0], until_s):
            self._items.popleft()
            self._sent -= 1

    def _forget_beyond(self, oldest_s: float) -> None:
        while self._items and self._is_before(self._items[0], oldest_s):
            item = self._items.popleft()
            if self._sent:
                self._sent -= 1
            elif isinstance(item, OpusPacket):
                start_s = item.arrival_s if self._gap is None else self._gap.start_s
                self._gap = Gap(start_s, item.arrival_s + _PACKET_S)
        if self._gap is not None and self._gap.end_s - self._gap.start_s >= _GAP_STATED_EVERY_S:
            self._state_gap()

    def _state_gap(self) -> None:
        if self._gap is not None:
            gap, self._gap = self._gap, None
            self._emit(gap)

    def _is_before(self, item: _Item, time_s: float) -> bool:
        if isinstance(item, OpusPacket):
            return item.arrival_s < time_s
        return item["type"] in ("flush", "connection") and len(self._items) > 1

    def _emit(self, event: SpeechEvent) -> None:
        try:
            self._on_event(event)
        except Exception:  # the room's callback: its failure must not end recognition
            self.on_event_errors += 1
            log.exception("speech.callback_failed")
