"""What is kept and heard: both voices into the journal and into speech recognition, while both consent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import structlog

from ..model.audio import OpusPacket, SenderReport
from ..model.clock import RoomClock
from ..model.consultation import Role
from ..model.errors import EscutaError
from ..model.events import Event, SidecarFailed
from ..model.recording_events import DiskLow, RecordingFinalized, RecordingRefused, RecordingStarted, RecordingStopped
from ..model.recording_state import NOTHING_RECORDED, RECORDING, RecordingState
from ..speech.port import SpeechEvent, StreamOptions
from .heard import Heard
from .services import Recorder, RoomServices, SpeechChannel

log = structlog.get_logger()

_BETWEEN_FINALS_S = 30.0
_BACKLOG_S = 600.0
"""How long speech that was not read in time may take after the call: as much as waits at most."""

StopReason = Literal["consultation_ended", "consent_withdrawn", "disk_full", "failed"]


@dataclass(frozen=True, slots=True)
class Host:
    """The room as the capture knows it: its clock, its voice, and somewhere to work beside the call."""

    clock: RoomClock
    publish: Callable[[Event], None]
    aside: Callable[[Coroutine[Any, Any, None]], None]


class Capture:
    """Starts when both consent, stops when one withdraws; a failure here never ends the call."""

    def __init__(self, services: RoomServices, consultation_id: str, options: StreamOptions, host: Host) -> None:
        self.folder: Path = services.settings.recordings_dir / consultation_id
        self._consultation_id = consultation_id
        self.listening = False
        self.recording = False
        self._services = services
        self._options = options
        self._host = host
        self.provider = options.provider or services.settings.speech_provider
        self.hearing = Heard(host.clock, self.provider)
        self.recorder: Recorder | None = None
        self._channels: dict[Role, SpeechChannel] = {}
        self._starting = asyncio.Lock()
        self._closed = False
        self._in_haste = False
        self._draining: list[SpeechChannel] = []
        self._warned_low = False

    @property
    def state(self) -> RecordingState:
        """How far the recording is."""
        if self.recording:
            return RECORDING
        return self._services.finishing.state(self._consultation_id) or NOTHING_RECORDED

    def follow(self, consented: bool) -> None:
        """Start or stop as the consents now say. A withdrawal takes effect at once, whatever the disk does."""
        if self._closed or consented == self.listening:
            return
        self.listening = consented
        if consented:
            self._publish(self.hearing.begin_again())
            for role in Role:
                self._channels[role] = self._services.speech.open(self._options, self._listener(role))
            self._host.aside(self._start_recording())
        else:
            self._stop_recording("consent_withdrawn")
            for channel in self._take_channels():
                self._host.aside(channel.close())

    def heard(self, role: Role, packet: OpusPacket) -> None:
        """Take one audio packet. Never blocks, never raises."""
        if self.recording and self.recorder is not None:
            self.recorder.write_packet(role, packet)
        channel = self._channels.get(role)
        if channel is not None:
            channel.push_packet(packet)

    def reported(self, role: Role, report: SenderReport) -> None:
        """Take one sender report. Never blocks, never raises."""
        if self.recording and self.recorder is not None:
            self.recorder.write_report(role, report)

    def mark_connection(self, role: Role) -> None:
        """A new RTP stream begins in that seat."""
        if self.recorder is not None:
            self.recorder.mark_connection(role)
        channel = self._channels.get(role)
        if channel is not None:
            channel.mark_connection()

    def check_disk(self) -> None:
        """Warn when little space is left; stop before none is."""
        if not self.recording:
            return
        free_mb = self._free_mb()
        least_mb = self._services.settings.min_free_disk_mb
        if free_mb < least_mb // 4:
            self._stop_recording("disk_full")
        elif free_mb < 2 * least_mb and not self._warned_low:
            self._warned_low = True
            self._host.publish(DiskLow(at_s=self._host.clock.now_s(), free_mb=free_mb))

    def hurry(self) -> None:
        """The server stops: wait for no backlog of words."""
        self._in_haste = True
        for channel in self._draining:
            self._host.aside(channel.close())

    async def close(self, ended_at_s: float) -> None:
        """Stop, make the journal durable, wait for the last words and, unless in haste, for a backlog before them."""
        self._closed = True
        self.listening = False
        if self.recorder is not None:
            self._services.finishing.begin(self._consultation_id)
        self._stop_recording("consultation_ended")
        async with self._starting:
            try:
                if self.recorder is not None:
                    await self.recorder.close(ended_at_s)
            finally:
                patience = {} if self._in_haste else {"timeout_s": _BETWEEN_FINALS_S, "most_s": _BACKLOG_S}
                self._draining = self._take_channels()
                await asyncio.gather(*(channel.close(**patience) for channel in self._draining))
                self._draining = []

    async def finalize(self) -> None:
        """Turn the journal into the files people listen to, if anything was recorded."""
        recording, finishing = self._services.recording, self._services.finishing
        if self.recorder is None and not await asyncio.to_thread(self.folder.is_dir):
            return
        finish = recording.recover if self.recorder is None else recording.finalize
        with finishing.following(self._consultation_id) as on_progress:
            manifest = await finish(self.folder, on_progress)
        if not manifest.files:
            finishing.forget(self._consultation_id)
        self._host.publish(RecordingFinalized(at_s=self._host.clock.now_s(), files=manifest.files))

    def _take_channels(self) -> list[SpeechChannel]:
        taken = list(self._channels.values())
        self._channels.clear()
        return taken

    async def _start_recording(self) -> None:
        async with self._starting:
            if not self.listening or self.recording:
                return
            least_mb = self._services.settings.min_free_disk_mb
            try:
                free_mb = self._free_mb()
                if free_mb < least_mb:
                    self._refuse("disk_full", f"only {free_mb} MB of disk are free and {least_mb} MB are needed")
                    return
                recorder = await self._open_recorder()
            except (EscutaError, OSError) as error:
                log.warning("recording.refused", error=type(error).__name__)
                self._host.publish(SidecarFailed(at_s=self._host.clock.now_s(), sidecar="recording", detail=str(error)))
                self._refuse("failed", "the server cannot write to its disk")
                return
            if not self.listening:  # withdrawn while the disk was slow
                return
            recorder.start()
            self.recording = True
            self._host.publish(RecordingStarted(at_s=self._host.clock.now_s()))

    async def _open_recorder(self) -> Recorder:
        if self.recorder is not None and self.recorder.failed:
            failed, self.recorder = self.recorder, None
            await failed.close(self._host.clock.now_s())
        if self.recorder is None:
            recorder = self._services.recording.create(self.folder, self._host.clock, self._on_failure)
            await recorder.open()
            self.recorder = recorder
        return self.recorder

    def _refuse(self, reason: Literal["disk_full", "failed"], why: str) -> None:
        now_s = self._host.clock.now_s()
        self._host.publish(RecordingRefused(at_s=now_s, reason=reason, message=f"Nothing is recorded: {why}."))

    def _stop_recording(self, reason: StopReason) -> None:
        if not self.recording or self.recorder is None:
            return
        self.recording = False
        self.recorder.stop()
        self._host.publish(RecordingStopped(at_s=self._host.clock.now_s(), reason=reason))

    def _on_failure(self, message: str) -> None:
        """Something is lost, or nothing can be written any more: captions and the call go on."""
        self._host.publish(SidecarFailed(at_s=self._host.clock.now_s(), sidecar="recording", detail=message))
        if self.recorder is not None and self.recorder.failed:
            self._stop_recording("failed")

    def _free_mb(self) -> int:
        folder = self.folder
        while not folder.exists():
            folder = folder.parent
        return self._services.recording.free_mb(folder)

    def _publish(self, event: Event | None) -> None:
        if event is not None:
            self._host.publish(event)

    def _listener(self, role: Role) -> Callable[[SpeechEvent], None]:
        def on_event(heard: SpeechEvent) -> None:
            self._publish(self.hearing.as_event(role, heard))

        return on_event
