import asyncio
import errno
import hashlib
import json
import os
import stat
import wave

import av
import numpy as np
import pytest

from server.model.consultation import Role
from server.model.errors import Conflict, DiskFull, EscutaError, NotFound
from server.opus.packet import packet_samples
from server.recording import files
from server.recording import finalize as finalizing
from server.recording.files import locked
from server.recording.finalize import finalize
from server.recording.manifest import MANIFEST_NAME, Manifest
from server.recording.pcm import wav_header
from server.recording.peaks import PEAKS_NAME
from server.recording.recorder import Recorder
from server.recording.render import finalize_now
from server.recording.session import SESSION_NAME

from .conftest import OPENED_AT
from .finished import NAMES, leg, sizes
from .ogg_reader import read_pages
from .sound import Leg, bursts, encode, onsets, read_sound

CLINICIAN, PATIENT = Role.CLINICIAN, Role.PATIENT


async def test_the_manifest_says_what_lies_there(folder, record):
    await record({CLINICIAN: [leg(start_s=0.5)], PATIENT: [leg(start_s=1.0, ssrc=2)]}, 5.0)
    manifest = await finalize(folder)
    assert manifest == Manifest.model_validate_json((folder / MANIFEST_NAME).read_bytes())
    assert (manifest.consultation_id, manifest.opened_at, manifest.closed) == ("consultation-1", OPENED_AT, True)
    assert manifest.duration_s == 5.0
    assert [(interval.start_s, interval.end_s) for interval in manifest.recorded] == [(0.0, 5.0)]
    assert [file.name for file in manifest.files] == NAMES
    for file in manifest.files:
        content = (folder / file.name).read_bytes()
        assert (file.size_bytes, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        assert (file.start_s, file.duration_s) == (0.0, 5.0)
    clinician, patient = manifest.participants
    assert (clinician.start_s, patient.start_s) == pytest.approx((0.53, 1.03), abs=0.001)
    assert [gap.end_s for gap in clinician.gaps] == pytest.approx([0.53, 5.0], abs=0.01)


async def test_finished_files_are_private_and_nothing_else_is_left(folder, record):
    await record({CLINICIAN: [leg()]}, 4.0)
    finalize_now(folder)
    expected = {*NAMES, PEAKS_NAME, MANIFEST_NAME, SESSION_NAME, ".lock", "journal"}
    assert {path.name for path in folder.iterdir()} == expected
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir() if path.is_file()} == {0o600}


async def test_packets_are_kept_byte_for_byte(folder, record):
    packets = leg()
    await record({CLINICIAN: [packets]}, 4.0)
    finalize_now(folder)
    pages = read_pages((folder / "clinician.ogg").read_bytes())[2:]
    in_file = [packet for page in pages for packet in page.packets]
    begin = in_file.index(packets[0].payload)
    assert in_file[begin : begin + len(packets)] == [packet.payload for packet in packets]
    counted = 0
    for page in pages[:-1]:
        counted += sum(map(packet_samples, page.packets))
        assert page.granule == counted


async def test_both_files_hold_the_same_sound(folder, record):
    packets = [packet for index, packet in enumerate(leg()) if index % 9]
    await record({CLINICIAN: [packets]}, 4.0)
    finalize_now(folder)
    played = read_sound(folder / "clinician.wav").astype(np.float64)
    with av.open(str(folder / "clinician.ogg")) as container:
        context = av.CodecContext.create("libopus", "r")
        context.sample_rate, context.layout = 48_000, "mono"
        frames = [frame for packet in container.demux(audio=0) if packet.size for frame in context.decode(packet)]
    decoded = np.concatenate([frame.to_ndarray()[0] for frame in frames])[: len(played)]
    assert np.abs(decoded - played).max() <= 1


async def test_a_participant_who_sent_nothing_has_silence_of_full_length(folder, record):
    await record({CLINICIAN: [leg()]}, 4.0)
    manifest = finalize_now(folder)
    assert set(sizes(folder).values()) == {4 * 48_000}
    assert not read_sound(folder / "patient.ogg").any()
    assert manifest.participants[1].start_s is None
    assert [(gap.start_s, gap.end_s) for gap in manifest.participants[1].gaps] == [(0.0, 4.0)]


async def test_without_a_session_file_the_journals_say_whose_it_is(folder, record):
    await record({CLINICIAN: [leg()]}, 4.0)
    (folder / SESSION_NAME).unlink()
    manifest = finalize_now(folder)
    assert (manifest.consultation_id, manifest.opened_at) == ("consultation-1", OPENED_AT)


@pytest.mark.parametrize("ended_at_s", [0.0, 0.00001, 0.001, 1.234567])
async def test_files_are_as_long_as_the_consultation_however_short(folder, record, ended_at_s):
    await record({CLINICIAN: [leg()]}, ended_at_s)
    manifest = finalize_now(folder)
    assert set(sizes(folder).values()) == {round(ended_at_s * 48_000)}
    assert manifest.duration_s == pytest.approx(ended_at_s, abs=1 / 48_000)


async def test_without_a_noted_end_the_last_packet_is_the_end(folder, record):
    packets = leg(start_s=2.0)
    await record({CLINICIAN: [packets], PATIENT: [leg(ssrc=3)]}, None)
    manifest = finalize_now(folder)
    assert not manifest.closed
    assert manifest.duration_s == pytest.approx(packets[-1].arrival_s, abs=0.001)
    assert len(set(sizes(folder).values())) == 1


async def test_an_end_noted_before_a_return_does_not_count(folder, record):
    await record({CLINICIAN: [leg()]}, 3.5)
    finalize_now(folder)
    await record({CLINICIAN: [leg(start_s=6.0, ssrc=9)]}, 10.0)
    manifest = finalize_now(folder)
    assert manifest.duration_s == 10.0
    assert onsets(read_sound(folder / "clinician.ogg")) == pytest.approx([1.0, 7.0], abs=0.05)


async def test_where_nothing_was_recorded_there_are_no_files(folder, clock):
    recorder = Recorder(folder, clock.room, on_failure=print)
    await recorder.open()
    recorder.write_packet(CLINICIAN, leg()[0])
    await recorder.close(60.0)
    manifest = finalize_now(folder)
    assert (manifest.files, manifest.recorded, manifest.duration_s) == ((), (), 60.0)
    assert not list(folder.glob("*.wav"))


async def test_recording_may_be_interrupted(folder, clock):
    recorder = Recorder(folder, clock.room, on_failure=print)
    await recorder.open()
    packets = Leg().packets(encode(bursts(6.0, [1.0, 3.0, 5.0])))
    switches = {100: recorder.start, 130: recorder.stop, 200: recorder.start}
    recorder.start()
    for index, packet in enumerate(packets):
        clock.seconds = packet.arrival_s
        switches.get(index, lambda: None)()
        recorder.write_packet(CLINICIAN, packet)
    await recorder.close(6.5)
    manifest = finalize_now(folder)
    assert onsets(read_sound(folder / "clinician.wav")) == pytest.approx([1.0, 5.0], abs=0.05)
    assert [(on.start_s, on.end_s) for on in manifest.recorded] == [
        pytest.approx((0.0, 2.65), abs=0.01),
        pytest.approx((4.05, 6.5), abs=0.01),
    ]
    assert all(gap.start_s >= 6.0 for gap in manifest.participants[0].gaps)


async def test_stereo_packets_make_a_stereo_ogg_and_a_mono_wav(folder, record):
    codec = av.CodecContext.create("libopus", "w")
    codec.sample_rate, codec.layout, codec.format = 48_000, "stereo", "s16"
    sound = np.repeat(bursts(2.0, [1.0]), 2)[None]
    payloads = []
    for begin in range(0, sound.shape[1], 1_920):
        frame = av.AudioFrame.from_ndarray(sound[:, begin : begin + 1_920], "s16", "stereo")
        frame.sample_rate, frame.pts = 48_000, begin // 2
        payloads += [bytes(packet) for packet in codec.encode(frame)]
    await record({CLINICIAN: [Leg().packets(payloads)]}, 2.5)
    finalize_now(folder)
    with av.open(str(folder / "clinician.ogg")) as container:
        assert container.streams.audio[0].channels == 2
    with wave.open(str(folder / "clinician.wav")) as wav:
        assert (wav.getnchannels(), wav.getframerate(), wav.getsampwidth(), wav.getnframes()) == (1, 48_000, 2, 120_000)
    assert onsets(read_sound(folder / "clinician.wav")) == pytest.approx([1.0], abs=0.05)


async def test_a_second_finalizing_changes_nothing(folder, record):
    await record({CLINICIAN: [leg()]}, 4.0)
    first = finalize_now(folder)
    stamps = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert await finalize(folder) == first
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == stamps


async def test_a_file_that_went_missing_is_made_again_the_same(folder, record):
    await record({CLINICIAN: [leg()]}, 4.0)
    first = finalize_now(folder)
    (folder / "patient.wav").unlink()
    assert finalize_now(folder) == first
    assert (folder / "patient.wav").exists()


async def test_a_folder_in_use_is_left_alone(folder, record):
    await record({CLINICIAN: [leg()]}, 4.0)
    with locked(folder), pytest.raises(Conflict, match="consultation-1 is in use"):
        await finalize(folder)
    assert not (folder / MANIFEST_NAME).exists()


async def test_a_folder_without_a_recording_is_not_found(tmp_path):
    with pytest.raises(NotFound, match="no recording"):
        finalize_now(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound, match="neither a session nor a readable journal"):
        finalize_now(tmp_path / "empty")


async def test_a_full_disk_keeps_the_journal_and_leaves_nothing_half_made(folder, record, monkeypatch):
    await record({CLINICIAN: [leg()]}, 4.0)
    with monkeypatch.context() as patched:

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        patched.setattr(files.os, "fsync", full)
        with pytest.raises(DiskFull, match="No disk space is left"):
            finalize_now(folder)
    assert {path.name for path in folder.iterdir()} == {SESSION_NAME, ".lock", "journal"}
    assert len(finalize_now(folder).files) == 5


async def test_a_finalizer_that_dies_says_so_and_can_be_run_again(folder, record, monkeypatch):
    await record({CLINICIAN: [leg()]}, 4.0)
    with monkeypatch.context() as patched:
        patched.setattr(finalizing, "_command", lambda _: ["/bin/sh", "-c", "echo gone wrong >&2; kill -9 $$"])
        with pytest.raises(EscutaError, match=r"exit status -9: gone wrong.*server recover"):
            await finalize(folder)
    assert len((await finalize(folder)).files) == 5


async def test_cancelling_ends_the_child(folder, record, monkeypatch, tmp_path):
    await record({CLINICIAN: [leg()]}, 4.0)
    pid_file = tmp_path / "pid"
    monkeypatch.setattr(finalizing, "_command", lambda _: ["/bin/sh", "-c", f"echo $$ > {pid_file}; exec sleep 60"])
    running = asyncio.ensure_future(finalize(folder))
    while not (pid_file.exists() and pid_file.read_text().strip()):  # noqa: ASYNC110 - another process writes it
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_a_wav_beyond_4_gib_says_its_size_in_64_bits():
    header = wav_header(3 * 10**9)
    assert (header[:4], header[8:16]) == (b"RF64", b"WAVEds64")
    assert int.from_bytes(header[28:36], "little") == 6 * 10**9
    assert json.dumps(wav_header(10).decode("latin-1")).startswith('"RIFF')
