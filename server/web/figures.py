"""What the running parts tell the metrics, read when somebody asks."""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

from ..insight.extraction import LATENCY_BOUNDS_S as ENTITY_BOUNDS_S
from ..insight.extraction import EntityFigures
from ..media.latency import LATENCY_BOUNDS_S
from ..media.loop import latencies, reader_errors
from ..media.native import native
from ..media.peer import Peer, PeerStats
from ..media.stats import KindStats
from ..rooms.registry import Registry
from ..rooms.second_passes import Figures
from ..rooms.services import Recorder
from ..speech.model_figures import BATCH_BOUNDS, WAIT_BOUNDS_S
from ..speech.service import SpeechService
from ..storage.store import Store
from .metrics import Metrics
from .signaling import Signaling

STATES = {"ok": 0.0, "starting": 1.0, "delayed": 2.0, "failing": 3.0}


def watch_parts(
    metrics: Metrics, registry: Registry, store: Store, speech: SpeechService, signaling: Signaling
) -> None:
    """Have every exposition say how rooms, media, speech and storage do."""
    metrics.gauge("escuta_sockets", "Browsers connected.", lambda: signaling.open_sockets)
    metrics.gauge("escuta_rooms", "Rooms open, those being put away included.", lambda: len(registry.rooms()))
    metrics.gauge("escuta_room_failures", "Rooms that ended by a fault of ours.", lambda: registry.failed_rooms)
    metrics.gauge(
        "escuta_recordings_running",
        "Consultations being recorded.",
        lambda: sum(room.capture.recording for room in registry.rooms()),
    )
    metrics.gauge(
        "escuta_participants",
        "People connected to a consultation.",
        lambda: sum(seat.connection is not None for room in registry.rooms() for seat in room.seats.values()),
    )
    metrics.gauge(
        "escuta_journal_lag_seconds",
        "Age of the oldest sound that is not safe on disk yet.",
        lambda: max((recorder.lag_s for recorder in _recorders(registry)), default=0.0),
    )
    metrics.gauge(
        "escuta_journal_lost",
        "Packets of open rooms that the disk did not take.",
        lambda: sum(recorder.lost for recorder in _recorders(registry)),
    )
    metrics.gauge("escuta_storage_waiting", "Events not yet in the database.", lambda: store.waiting)
    metrics.gauge("escuta_storage_refused", "Events the database refused for good.", lambda: store.refused)
    metrics.gauge("escuta_storage_state", "0 ok, 1 starting, 2 delayed, 3 failing.", lambda: STATES[store.state[0]])
    metrics.gauge("escuta_speech_state", "0 ok, 1 starting, 2 delayed, 3 failing.", lambda: STATES[speech.state.state])
    metrics.gauge("escuta_speech_restarts", "Times the speech process was started again.", lambda: speech.restarts)
    watch_model(metrics, speech)
    loop = asyncio.get_running_loop()

    def forwarding() -> tuple[list[int], float]:
        found = latencies(loop)
        return found.counts, found.sum_s

    metrics.counted_elsewhere(
        "escuta_media_forward_seconds",
        "From a packet's arrival at this machine to its sending; without the compiled helper one in 16.",
        LATENCY_BOUNDS_S,
        forwarding,
    )
    contained = metrics.gauge(
        "escuta_contained_errors", "Errors of ours that ended nothing, by where they were caught."
    )

    def count_contained() -> None:
        helper = native()
        contained.set(reader_errors(loop), where="media_reader")
        contained.set(helper.hear_errors if helper is not None else 0, where="media_hear")
        contained.set(registry.failed_rooms, where="room")
        contained.set(speech.callback_errors, where="speech_callback")
        contained.set(sum(recorder.rejected for recorder in _recorders(registry)), where="journal_record")

    metrics.before_exposition(count_contained)
    metrics.before_exposition(PeerFigures(metrics, registry).collect)


def watch_model(metrics: Metrics, speech: SpeechService) -> None:
    """Have every exposition say how busy the speech model is."""

    def waits() -> tuple[list[int], float]:
        return speech.model_figures.waits, speech.model_figures.wait_s

    def batches() -> tuple[list[int], float]:
        return speech.model_figures.batches, speech.model_figures.requests

    metrics.counted_elsewhere(
        "escuta_speech_wait_seconds",
        "How long an utterance or its beginning waits for the model.",
        WAIT_BOUNDS_S,
        waits,
    )
    metrics.counted_elsewhere(
        "escuta_speech_batch_size", "Utterances that the model reads at once.", BATCH_BOUNDS, batches
    )
    metrics.gauge(
        "escuta_speech_interims_dropped",
        "Beginnings of utterances not read because a newer one or the whole came first.",
        lambda: speech.model_figures.dropped,
    )
    metrics.gauge(
        "escuta_speech_batches_broken",
        "Batches that failed and were read one by one.",
        lambda: speech.model_figures.broken_batches,
    )


def watch_entities(metrics: Metrics, figures: EntityFigures) -> None:
    """Have every exposition say how finding what is named goes."""
    metrics.counted_elsewhere(
        "escuta_entities_seconds",
        "From an utterance's final transcript until what it names was found.",
        ENTITY_BOUNDS_S,
        lambda: (figures.counts, figures.latency_s),
    )
    found = metrics.counter("escuta_entities_found_total", "Entities found in live calls.")
    failures = metrics.counter("escuta_entities_failures_total", "Readings that a provider failed at.")
    discarded = metrics.counter(
        "escuta_entities_discarded_total", "What a chat model named and cannot be used, by reason."
    )

    def collect() -> None:
        found.inc(figures.found - found.value())
        failures.inc(figures.failed - failures.value())
        for reason, count in figures.discarded.items():
            discarded.inc(count - discarded.value(reason=reason), reason=reason)

    metrics.before_exposition(collect)


def watch_second_passes(metrics: Metrics, figures: Figures) -> None:
    """Have every exposition say how reading recordings again goes."""
    passes = metrics.gauge("escuta_second_passes", "Recordings to be read again, by state.")
    failures = metrics.counter("escuta_second_pass_failures_total", "Attempts to read a recording again that failed.")
    sound = metrics.counter("escuta_second_pass_sound_seconds_total", "Sound read again.")
    reading = metrics.counter(
        "escuta_second_pass_reading_seconds_total", "Time that took, standing still for calls not counted."
    )

    def collect() -> None:
        for state in ("waiting", "running", "failed"):
            passes.set(getattr(figures, state), state=state)
        for counter, total in ((failures, figures.failures), (sound, figures.sound_s), (reading, figures.reading_s)):
            counter.inc(total - counter.value())

    metrics.before_exposition(collect)


def _recorders(registry: Registry) -> list[Recorder]:
    found = (room.capture.recorder for room in registry.rooms())
    return [recorder for recorder in found if recorder is not None]


class PeerFigures:
    """Adds up what every peer has done; what one does after the last look before its end is not counted."""

    def __init__(self, metrics: Metrics, registry: Registry) -> None:
        self._registry = registry
        self._seen: WeakKeyDictionary[Peer, PeerStats] = WeakKeyDictionary()
        self._packets = metrics.counter("escuta_media_packets_total", "RTP packets by kind and direction.")
        self._bytes = metrics.counter("escuta_media_bytes_total", "RTP payload bytes by kind and direction.")
        self._retransmitted = metrics.counter("escuta_media_retransmitted_total", "Packets sent again to a browser.")
        self._lost = metrics.counter("escuta_media_lost_total", "RTP packets that never arrived.")
        self._nacked = metrics.counter(
            "escuta_media_nacked_total", "Packets asked for again: in by us, out by a browser."
        )
        self._key_frames = metrics.counter(
            "escuta_media_key_frame_requests_total", "Key frames asked for: in by us, out by a browser."
        )
        self._faults = metrics.counter("escuta_media_faults_total", "Packets and calls that could not be used.")

    def collect(self) -> None:
        """Bring the counters up to date."""
        for room in self._registry.rooms():
            for seat in room.seats.values():
                if seat.peer is not None:
                    self._add(seat.peer, seat.peer.stats())

    def _add(self, peer: Peer, now: PeerStats) -> None:
        before = self._seen.get(peer, PeerStats())
        self._seen[peer] = now
        for kind in ("audio", "video"):
            new, old = getattr(now, kind), getattr(before, kind)
            for direction in ("in", "out"):
                for counter, field in ((self._packets, "packets"), (self._bytes, "bytes")):
                    name = f"{field}_{direction}"
                    counter.inc(getattr(new, name) - getattr(old, name), kind=kind, direction=direction)
            self._add_feedback(kind, new, old)
            self._retransmitted.inc(new.retransmitted_out - old.retransmitted_out, kind=kind)
        for fault in ("malformed", "unknown", "listener_errors", "hook_errors", "send_errors", "dropped_in"):
            self._faults.inc(getattr(now, fault) - getattr(before, fault), fault=fault)

    def _add_feedback(self, kind: str, new: KindStats, old: KindStats) -> None:
        for counter, names in (
            (self._lost, ("lost_in", "lost_out")),
            (self._nacked, ("nacked", "nacked_out")),
            (self._key_frames, ("key_frame_requests", "key_frame_requests_out")),
        ):
            for direction, name in zip(("in", "out"), names, strict=True):
                counter.inc(getattr(new, name) - getattr(old, name), kind=kind, direction=direction)
