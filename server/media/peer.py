"""One browser's RTCPeerConnection: what it sends goes to those who listen to it, unchanged."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import structlog

from ..model.errors import EscutaError, InvalidOffer, InvalidRequest
from .control import ControlPath
from .description import read_answer
from .ice import IceSettings, read_candidate
from .leg import Leg
from .loop import flush
from .native import gate
from .offer import Offer, read_offer
from .packets import PacketPath
from .stats import PeerStats
from .tap import PeerListener, PeerState, Tap
from .transport import Transport
from .wire_hooks import WireHooks

__all__ = ["Peer", "PeerListener", "PeerState", "PeerStats"]

log = structlog.get_logger()

ANSWER_TIMEOUT_S = 5.0
CONNECT_TIMEOUT_S = 15.0
MAX_CANDIDATES = 32

_numbers = itertools.count(1)


class Peer:
    """One connection of one browser. It forwards, and tells its listener; it never decodes.

    All calls are made on the event loop. `now_s` is the room clock.
    """

    def __init__(
        self,
        *,
        ice: IceSettings,
        now_s: Callable[[], float],
        listener: PeerListener,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
    ) -> None:
        self._tap = Tap(listener)
        self._transport = Transport(ice, WireHooks(self._on_rtp, self._on_rtcp), self._on_state)
        self._leg = Leg(next(_numbers), self._transport, now_s)
        self._packets = PacketPath(self._leg, self._tap, now_s)
        self._control = ControlPath(self._leg, self._tap, now_s)
        self._connect_timeout_s = connect_timeout_s
        self._negotiating = asyncio.Lock()
        self._offer: Offer | None = None
        self._candidates = 0
        self._timer: asyncio.TimerHandle | None = None
        self._closing: asyncio.Task[None] | None = None

    @property
    def last_rtp_s(self) -> float | None:
        """Room time of the newest RTP packet of any kind from this browser."""
        with gate():
            return self._packets.last_rtp_s

    async def answer(self, sdp: str) -> str:
        """Return the answer to a browser's offer, with all our candidates; within `ANSWER_TIMEOUT_S`.

        A second offer on the same peer renegotiates; ICE restart needs a new peer.

        Raises:
            InvalidOffer: If it cannot be answered; an established connection goes on as it was.
            Unavailable: If no UDP port is free.
        """
        offer = read_offer(sdp)
        async with self._negotiating:
            self._check_continues(offer)
            try:
                async with asyncio.timeout(ANSWER_TIMEOUT_S):
                    answer = await self._transport.answer(offer)
            except EscutaError:
                raise
            except Exception as error:
                log.info("media.offer_refused", error=repr(error))
                raise InvalidOffer(
                    f"The SDP offer cannot be answered ({type(error).__name__}); send the browser's offer unchanged."
                ) from error
            self._check_open()
            with gate():
                self._leg.agree(read_answer(answer), offer.lines)
            if self._offer is None:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(self._connect_timeout_s, self._fail)
                self._on_state("connecting")
            self._offer = offer
            return answer

    async def add_candidate(self, candidate: str, sdp_mid: str | None, sdp_m_line_index: int | None) -> None:
        """Take a trickled candidate; an empty one ends them. All lines share one transport, so the line is no matter.

        Raises:
            InvalidRequest: If it is not an ICE candidate, or one too many.
        """
        del sdp_mid, sdp_m_line_index
        if not candidate.strip() or self._closing is not None:
            return
        usable = read_candidate(candidate)
        self._candidates += 1
        if self._candidates > MAX_CANDIDATES:
            raise InvalidRequest(f"More than {MAX_CANDIDATES} ICE candidates were sent; the first ones are enough.")
        if usable is not None:
            await self._transport.add_candidate(usable)

    def listen_to(self, source: Peer | None) -> None:
        """Send this browser what `source` sends from now on, and ask `source` for a key frame at once.

        SSRCs, sequence numbers and timestamps stay continuous whatever was listened to before.
        """
        open_source = source is not None and source._closing is None and self._closing is None
        with gate():
            self._leg.listen_to(source._leg if source is not None and open_source else None)

    def request_key_frame(self) -> None:
        """Ask this browser for a key frame, at most twice a second; a request too early is sent later."""
        with gate():
            self._leg.request_key_frame()

    def stats(self) -> PeerStats:
        """Return the counters."""
        with gate():
            return self._stats()

    async def close(self) -> None:
        """Close within 5 seconds; again is harmless. The listener hears `closed`.

        A peer that fails, or whose browser goes, closes by itself.
        """
        self._begin_close()
        if self._closing is not None:
            await asyncio.shield(self._closing)

    def _stats(self) -> PeerStats:
        transport = self._transport.counters
        return PeerStats(
            audio=self._leg.kind_stats("audio"),
            video=self._leg.kind_stats("video"),
            malformed=self._packets.malformed + self._control.malformed,
            unknown=self._packets.unknown,
            listener_errors=self._tap.errors,
            hook_errors=transport.hook_errors,
            send_errors=transport.send_errors,
            dropped_in=transport.dropped_in,
            dropped_out=transport.dropped_out,
        )

    def _begin_close(self) -> None:
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._close())

    async def _close(self) -> None:
        self._cancel_timer()
        loop = asyncio.get_running_loop()
        flush(loop)  # the last sound is heard before the end is
        with gate():
            self._leg.part()
        flush(loop)
        await self._transport.close()
        self._tap.state("closed")

    def _check_open(self) -> None:
        if self._closing is not None:
            raise InvalidOffer("The connection was closed while it was being made; connect again.")

    def _check_continues(self, offer: Offer) -> None:
        self._check_open()
        before = self._offer
        if before is None:
            return
        if (offer.ice_username, offer.fingerprints) != (before.ice_username, before.fingerprints):
            raise InvalidOffer("The SDP offer restarts ICE or DTLS; open a new connection instead.")
        if [line.mid for line in offer.lines[: len(before.lines)]] != [line.mid for line in before.lines]:
            raise InvalidOffer("The SDP offer changes the order of its media lines; open a new connection instead.")

    def _on_rtp(self, octets: int) -> bool:
        with gate():
            return self._packets.take_in_place(octets)

    def _on_rtcp(self, data: bytes) -> None:
        with gate():
            self._leg.settle()
            self._control.take(data)
            self._leg.resume()

    def _on_state(self, state: str) -> None:
        if state == "connected":
            self._cancel_timer()
            self._tap.state("connected")
            with gate():
                self._leg.on_connected()
        elif state == "connecting":
            self._tap.state("connecting")
        elif state == "failed":
            self._fail()
        elif state == "closed":
            # The browser closed: free what is left here too.
            self._begin_close()

    def _fail(self) -> None:
        """Give up: aioice never does by itself while more candidates may come, and nothing here recovers."""
        self._tap.state("failed")
        self._begin_close()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
