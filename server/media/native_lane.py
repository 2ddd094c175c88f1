"""A lane's likeness in the compiled helper: it takes what the lane would, and says afterwards how much that was."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .forwarder import Continuity
from .history import History
from .layout import Layout
from .native import Hear, Native, NativeRing


@dataclass(frozen=True, slots=True)
class Ends:
    """Where packets come from and go to: structs of the helper that the transports own."""

    inlet: Any
    outlet: Any


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a lane rewrites headers by."""

    ssrc_in: int
    ssrc_out: int
    payload_type: int


@dataclass(frozen=True, slots=True)
class Passed:
    """What went by since the last look; `newest_timestamp` as sent."""

    packets: int
    octets: int
    newest_timestamp: int
    ago_s: float


class NativeLane:
    """One entry of an inlet, by payload type. Closed until `open` says what to do.

    What it passes on it keeps in a history, or else (it is sound) tells somebody.
    """

    def __init__(self, helper: Native, ends: Ends, payload_type: int, kept: History | Hear) -> None:
        self._helper, self._ends, self._payload_type = helper, ends, payload_type
        self._kept = kept
        self._layouts: list[Layout] = []
        self.struct = helper.ffi.new("struct lane *")
        self.struct.outlet = ends.outlet
        if not isinstance(kept, History):
            self.struct.heard = helper.hear(kept)
        elif isinstance(kept.ring, NativeRing):
            self.struct.ring = kept.ring.struct
        ends.inlet.lanes[payload_type] = self.struct

    def open(self, continuity: Continuity, numbers: Numbers, layouts: Iterable[Layout]) -> None:
        """Take the packets that follow, until one is unusual."""
        struct = self.struct
        expected, sequence_offset, timestamp_offset = continuity.expect()
        struct.next_in = expected & 0xFFFF
        struct.sequence_offset = sequence_offset & 0xFFFF
        struct.timestamp_offset = timestamp_offset & 0xFFFFFFFF
        struct.ssrc_in, struct.ssrc_out, struct.payload_type = numbers.ssrc_in, numbers.ssrc_out, numbers.payload_type
        layouts = list(layouts)
        if layouts != self._layouts:
            self._layouts = layouts
            self._helper.write_layouts(struct, layouts)
        struct.open = 1
        for relay in self._helper.threaded:
            self._helper.library.relay_catch_up(relay.struct, self._ends.inlet, struct, self._payload_type)

    def shut(self) -> None:
        """Take nothing until opened again."""
        self.struct.open = 0

    def end(self) -> None:
        """Take nothing any more."""
        self.struct.open = 0
        self._helper.end_hearing(self.struct.heard)
        if self._ends.inlet.lanes[self._payload_type] == self.struct:
            self._ends.inlet.lanes[self._payload_type] = self._helper.ffi.NULL

    def passed(self) -> Passed | None:
        """Return what went by since the last look."""
        struct = self.struct
        if not struct.packets:
            return None
        ago_s = time.monotonic() - struct.newest_s
        passed = Passed(struct.packets, struct.octets, struct.newest_timestamp, ago_s)
        struct.packets = struct.octets = 0
        return passed
