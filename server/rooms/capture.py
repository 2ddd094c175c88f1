"""What is kept and heard: both voices into the journal and into speech recognition, while both consent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import structlog

from ..model.audio import OpusPacket, SenderReport
from ..model.clock import RoomClock
from ..model.consultation import Consultation, Role
from ..model.errors import EscutaError
from ..model.events import (
    AudioGap,
    DiskLow,
    Event,
    FinalTranscript,
    InterimTranscript,
    RecordingFinalized,
    RecordingRefused,
    RecordingStarted,
    RecordingStopped,
    SidecarFailed,
)
from ..model.transcript import Utterance
from ..speech.port import Final, Gap, Interim, SpeechEvent, StreamOptions
from .services import Recorder, RoomServices, SpeechChannel

log = structlog.get_logger()

StopReason = Literal["consultation_ended", "consent_withdrawn", "disk_full", "failed"]


class Capture:
    """Starts when both consent, stops when one withdraws; a failure here never ends the call."""

    def __init__(
        self,
        services: RoomServices,
        consultation: Consultation,
        clock: RoomClock,
        options: StreamOptions,
        publish: Callable[[Event], None],
    ) -> None:
        self.folder: Path = services.settings.recordings_dir / consultation.id
        self.listening = False
        self.recording = False
        self._services = services
        self._clock = clock
        self._options = options
        self._publish = publish
        self._recorder: Recorder | None = None
        self._channels: dict[Role, SpeechChannel] = {}
        self._closing: list[SpeechChannel] = []
        self._changing = asyncio.Lock()
        self._closed = False
        self._warned_low = False

    async def follow(self, consented: bool) -> None:
        """Start or stop as the consents now say."""
        async with self._changing:
            if self._closed or consented == self.listening:
                return
            self.listening = consented
            if consented:
                self._open_channels()
                await self._start_recording()
            else:
                self._stop_recording("consent_withdrawn")
                self._release_channels()

    def heard(self, role: Role, packet: OpusPacket) -> None:
        """Take one audio packet. Never blocks, never raises."""
        if self.recording and self._recorder is not None:
            self._recorder.write_packet(role, packet)
        channel = self._channels.get(role)
        if channel is not None:
            channel.push_packet(packet)

    def reported(self, role: Role, report: SenderReport) -> None:
        """Take one sender report. Never blocks, never raises."""
        if self.recording and self._recorder is not None:
            self._recorder.write_report(role, report)

    def mark_connection(self, role: Role) -> None:
        """A new RTP stream begins in that seat."""
        if self._recorder is not None:
            self._recorder.mark_connection(role)
        channel = self._channels.get(role)
        if channel is not None:
            channel.mark_connection()

    def check_disk(self) -> None:
        """Warn when little space is left; stop before none is."""
        if not self.recording:
            return
        free_mb = self._services.recording.free_mb(self._existing_folder())
        least_mb = self._services.settings.min_free_disk_mb
        if free_mb < least_mb // 4:
            self._stop_recording("disk_full")
        elif free_mb < 2 * least_mb and not self._warned_low:
            self._warned_low = True
            self._publish(DiskLow(at_s=self._clock.now_s(), free_mb=free_mb))

    async def close(self, ended_at_s: float) -> None:
        """Stop, wait for the last words, make the journal durable."""
        async with self._changing:
            self._closed = True
            self.listening = False
            self._stop_recording("consultation_ended")
            self._release_channels()
            closing, self._closing = self._closing, []
            await asyncio.gather(*(channel.close() for channel in closing))
            if self._recorder is not None:
                await self._recorder.close(ended_at_s)

    async def finalize(self) -> None:
        """Turn the journal into the files people listen to, if anything was recorded."""
        recording = self._services.recording
        if self._recorder is not None:
            manifest = await recording.finalize(self.folder)
        elif await asyncio.to_thread(self.folder.is_dir):
            manifest = await recording.recover(self.folder)
        else:
            return
        self._publish(RecordingFinalized(at_s=self._clock.now_s(), files=manifest.files))

    def _open_channels(self) -> None:
        for role in Role:
            self._channels[role] = self._services.speech.open(self._options, self._listener(role))

    def _release_channels(self) -> None:
        self._closing.extend(self._channels.values())
        self._channels.clear()

    async def _start_recording(self) -> None:
        least_mb = self._services.settings.min_free_disk_mb
        free_mb = self._services.recording.free_mb(self._existing_folder())
        if free_mb < least_mb:
            message = f"Nothing is recorded: only {free_mb} MB of disk are free and {least_mb} MB are needed."
            self._publish(RecordingRefused(at_s=self._clock.now_s(), reason="disk_full", message=message))
            return
        try:
            if self._recorder is None:
                recorder = self._services.recording.create(self.folder, self._clock, self._on_failure)
                await recorder.open()
                self._recorder = recorder
        except EscutaError as error:
            log.warning("recording.refused", code=error.code)
            self._publish(RecordingRefused(at_s=self._clock.now_s(), reason="failed", message=str(error)))
            return
        self._recorder.start()
        self.recording = True
        self._publish(RecordingStarted(at_s=self._clock.now_s()))

    def _stop_recording(self, reason: StopReason) -> None:
        if not self.recording or self._recorder is None:
            return
        self.recording = False
        self._recorder.stop()
        self._publish(RecordingStopped(at_s=self._clock.now_s(), reason=reason))

    def _on_failure(self, message: str) -> None:
        """Something is lost, or nothing can be written any more: captions and the call go on."""
        self._publish(SidecarFailed(at_s=self._clock.now_s(), sidecar="recording", detail=message))
        if self._recorder is not None and not self._recorder.recording:
            self._stop_recording("failed")

    def _existing_folder(self) -> Path:
        folder = self.folder
        while not folder.exists():
            folder = folder.parent
        return folder

    def _listener(self, role: Role) -> Callable[[SpeechEvent], None]:
        def on_event(heard: SpeechEvent) -> None:
            event = self._as_event(role, heard)
            if event is not None:
                self._publish(event)

        return on_event

    def _as_event(self, role: Role, heard: SpeechEvent) -> Event | None:
        now_s = self._clock.now_s()
        match heard:
            case Interim():
                return _interim(role, heard, now_s)
            case Final(text=""):
                return _interim(role, heard, now_s)
            case Final():
                return FinalTranscript(at_s=now_s, utterance=self._utterance(role, heard))
            case Gap():
                return AudioGap(at_s=now_s, role=role, start_s=heard.start_s, end_s=heard.end_s)
        return None

    def _utterance(self, role: Role, final: Final) -> Utterance:
        return Utterance(
            id=final.utterance_id,
            role=role,
            start_s=final.start_s,
            end_s=final.end_s,
            text=final.text,
            words=final.words,
            language=final.language,
            provider=self._services.settings.speech_provider,
        )


def _interim(role: Role, heard: Interim | Final, now_s: float) -> InterimTranscript:
    """Return the event to show; an empty text takes the interim off the page again."""
    return InterimTranscript(
        at_s=now_s,
        utterance_id=heard.utterance_id,
        role=role,
        start_s=heard.start_s,
        end_s=heard.end_s,
        text=heard.text,
        settled_chars=heard.settled_chars if isinstance(heard, Interim) else 0,
        language=heard.language,
    )
