"""One microphone's sound on its way to recognition, without the other's voice in it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

import numpy as np

from ..model.audio import SPEECH_RATE_HZ
from .decoder import Sound
from .echo import AFTER, BEFORE, EARLIEST, FRAME, LATEST, SEARCH, EchoPath, Leak, emphasised, find_leak
from .microphone import Microphone
from .port import Pcm

_PIECE: Final = 320
_SCANNED: Final = (1 + (LATEST - EARLIEST) // _PIECE) * _PIECE
_WAIT_S = 0.3
_ALIVE_S = 0.5
_KEPT_SAMPLES = SPEECH_RATE_HZ
_MOST_KEPT_SAMPLES = 60 * SPEECH_RATE_HZ
_QUIET = 2.5e-7
_NEAR = 0.2
_NEAR_PIECES = 8
_LOOK_AHEAD = 3
_DOUBT_PIECES = 8
_CALM_PIECES = 10
_SEARCH_EVERY = 3
_PROVEN_PIECES = 15
_HISTORY_HOP = 256
_UNLIKE = 0.1
_SAME_DELAY = 16


class _Verdict(Enum):
    WAITING = auto()
    UNKNOWN = auto()
    OTHER = auto()
    OWN = auto()
    ALONE = auto()


_HELD_PIECES = {_Verdict.OTHER: _LOOK_AHEAD, _Verdict.UNKNOWN: _DOUBT_PIECES}
"""How many judged pieces behind it a piece waits for."""


@dataclass(slots=True)
class _Piece:
    """At most 20 ms: as it came, where it lies in all that was heard, when it came, and what is thought of it."""

    samples: Pcm
    start_s: float
    first: int
    came_s: float
    power: float
    verdict: _Verdict = _Verdict.WAITING

    @property
    def end(self) -> int:
        return self.first + len(self.samples)


class EchoGate:
    """Silences what a microphone heard of the other's voice alone, and subtracts that voice where both speak.

    Without leakage, or alone in the room, sound passes as it came. It is held back only where that decides something:
    60 ms where the other is heard; up to 160 ms when somebody begins to speak into the other's words and
    no leak was heard of late; up to 0.3 s while the other's sound of the same moment is still on its way.
    """

    def __init__(self, microphone: Microphone, other: Callable[[], Microphone | None]) -> None:
        self._own = microphone
        self._find_other = other
        self._pieces: deque[_Piece] = deque()
        self._path: EchoPath | None = None
        self._doubt = 0
        self._calm = 0
        self._searched = 0
        self._near = 0
        self._since_other = _PROVEN_PIECES
        self._likely: tuple[Leak, int] | None = None

    def push(self, samples: Pcm, start_s: float, now_s: float) -> list[Sound]:
        """Take samples that sounded at room time `start_s` and came at `now_s`; return what may go on."""
        first = self._own.append(samples, start_s, now_s)
        other = self._find_other()
        if other is None:
            self._forget(None, now_s)
            return [*self.release(), Sound(samples, start_s)]
        for begin in range(0, len(samples), _PIECE):
            part = samples[begin : begin + _PIECE]
            power = float(np.dot(part, part)) / len(part)
            self._pieces.append(_Piece(part, start_s + begin / SPEECH_RATE_HZ, first + begin, now_s, power))
        for place, piece in enumerate(self._pieces):
            if piece.verdict is _Verdict.WAITING:
                if self._is_early(piece, other, now_s):
                    break
                self._judge(place, piece, other)
        ready = list(self._emit(other, all_of_it=False))
        self._forget(other, now_s)
        return ready

    def release(self) -> list[Sound]:
        """Return what is held back: no more comes for now."""
        return list(self._emit(self._find_other(), all_of_it=True))

    def _is_early(self, piece: _Piece, other: Microphone, now_s: float) -> bool:
        """Return whether the other's sound of that moment is to be waited for."""
        needed = piece.end if self._path is None else piece.end - max(0, self._path.delay - BEFORE)
        return (
            piece.power > _QUIET
            and other.end < needed
            and other.heard_at_s > now_s - _ALIVE_S
            and piece.came_s > now_s - _WAIT_S
        )

    def _judge(self, place: int, piece: _Piece, other: Microphone) -> None:
        piece.verdict = _Verdict.ALONE
        self._since_other += 1
        if piece.power < _QUIET or not self._could_leak(piece, other):
            self._near = max(0, self._near - 1)
            self._calm += 1
            before = self._held_before(place)
            if before and piece.power > 2 * max(one.power for one in before):
                self._speaks(place)
            if self._calm >= _CALM_PIECES:
                self._doubt = 0
            if self._calm >= _CALM_PIECES or piece.power > _QUIET:
                self._give_up()
            return
        self._calm = 0
        share = self._share(piece, other)
        if share > _NEAR and self._find_path(piece, other):
            for earlier, one in enumerate(list(self._pieces)[: place + 1]):
                if one is piece or one.verdict is _Verdict.UNKNOWN:
                    self._settle(earlier, one, self._share(one, other))
        elif self._is_doubtful(place, share):
            self._doubt += 1
            piece.verdict = _Verdict.UNKNOWN
            if self._doubt == _DOUBT_PIECES:
                self._give_up()
        else:
            self._settle(place, piece, share)

    def _is_doubtful(self, place: int, share: float) -> bool:
        """Return whether this may be a leak by a path that is not known: none has explained anything of late."""
        if place and self._pieces[place - 1].verdict is _Verdict.UNKNOWN:
            return True
        return share > _NEAR and not self._near and self._since_other > _PROVEN_PIECES and self._doubt < _DOUBT_PIECES

    def _could_leak(self, piece: _Piece, other: Microphone) -> bool:
        """Return whether the other was loud enough, at any delay, to be heard as loud as this."""
        heard = other.read(piece.end - EARLIEST - _SCANNED, _SCANNED)
        loudest = float(np.square(heard).reshape(-1, _PIECE).mean(axis=1).max())
        return loudest > 2 * piece.power

    def _share(self, piece: _Piece, other: Microphone) -> float:
        """Return how much of what is heard is nobody but who speaks here, as far as is known."""
        if self._path is None:
            return 1.0
        share = self._path.unexplained(*self._frames(piece.end, other, self._path.delay))
        if self._path.likeness < _UNLIKE:
            self._path = None
        return share

    def _find_path(self, piece: _Piece, other: Microphone) -> bool:
        """Look for a leak, or for another delay than is known; return whether there is one."""
        self._searched += 1
        if self._path is None and self._doubt >= _DOUBT_PIECES and self._searched % _SEARCH_EVERY:
            return False
        own = emphasised(self._own.read(piece.end - SEARCH - 1, SEARCH + 1))
        heard = emphasised(other.read(piece.end - SEARCH - LATEST - 1, SEARCH + LATEST - EARLIEST + 1))
        leak = find_leak(own, heard)
        if leak is None or (self._path is not None and abs(leak.delay - self._path.delay) < _SAME_DELAY):
            return False
        if not leak.sure and not self._found_before(leak, piece.end):
            return False
        ends = range(piece.end - SEARCH + FRAME, piece.end + 1, _HISTORY_HOP)
        self._path = EchoPath(leak.delay, [self._frames(end, other, leak.delay) for end in ends])
        return True

    def _found_before(self, leak: Leak, end: int) -> bool:
        """Return whether other sound than this had the same delay; note it otherwise."""
        earlier, at = self._likely or (leak, end)
        if self._likely is None or end - at >= SEARCH:
            self._likely = (leak, end)
        return end - at >= SEARCH and abs(earlier.delay - leak.delay) < _SAME_DELAY

    def _frames(self, end: int, other: Microphone, delay: int) -> tuple[Pcm, Pcm]:
        own = self._own.read(end - FRAME - 1, FRAME + 1)
        heard = other.read(end - FRAME - 1 - delay, FRAME + 1)
        return emphasised(own), emphasised(heard)

    def _settle(self, place: int, piece: _Piece, share: float) -> None:
        if share > _NEAR:
            self._speaks(place)
        piece.verdict = _Verdict.OWN if self._near else _Verdict.OTHER
        if not self._near:
            self._since_other = self._doubt = 0
        self._near = max(0, self._near - 1)

    def _speaks(self, place: int) -> None:
        """Somebody here speaks: from a little earlier on, and for a little longer."""
        self._near = _NEAR_PIECES
        for one in self._held_before(place):
            one.verdict = _Verdict.OWN

    def _held_before(self, place: int) -> list[_Piece]:
        earlier = list(self._pieces)[max(0, place - _LOOK_AHEAD) : place]
        return [one for one in earlier if one.verdict is _Verdict.OTHER]

    def _give_up(self) -> None:
        """What was held back because a leak might be found goes on: somebody here speaks."""
        for piece in self._pieces:
            if piece.verdict is _Verdict.UNKNOWN:
                piece.verdict = _Verdict.OWN
                self._near = _NEAR_PIECES

    def _emit(self, other: Microphone | None, *, all_of_it: bool) -> Iterator[Sound]:
        while self._pieces:
            piece = self._pieces[0]
            if not all_of_it:
                judged = sum(one.verdict is not _Verdict.WAITING for one in self._pieces)
                if judged <= _HELD_PIECES.get(piece.verdict, 0):
                    return
            self._pieces.popleft()
            yield Sound(self._cleaned(piece, other), piece.start_s)

    def _cleaned(self, piece: _Piece, other: Microphone | None) -> Pcm:
        if piece.verdict is _Verdict.OTHER:
            return np.zeros_like(piece.samples)
        if piece.verdict is _Verdict.ALONE or self._path is None or other is None:
            return piece.samples
        heard = other.read(piece.first - self._path.delay - AFTER + 1, len(piece.samples) + BEFORE + AFTER - 1)
        return self._path.subtract(piece.samples, heard) if heard.any() else piece.samples

    def _forget(self, other: Microphone | None, now_s: float) -> None:
        """Keep what the other side may still ask for, and what is asked for here."""
        end = self._own.end
        if other is not None and other.heard_at_s > now_s - _ALIVE_S:
            end = max(min(end, other.end), end - _MOST_KEPT_SAMPLES)
        self._own.forget(end - _KEPT_SAMPLES)
