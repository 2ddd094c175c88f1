"""Whatever arrived, and whatever became of the journals, the files are whole and equally long."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.model.audio import OpusPacket
from server.model.consultation import Role
from server.recording import journal, voice
from server.recording.files import make_private_folder
from server.recording.journal import RecordType
from server.recording.render import finalize_now
from server.recording.session import journal_path

from .conftest import OPENED_AT
from .finished import leg, sizes
from .ogg_reader import read_pages, slow_checksum
from .sound import onsets, read_sound

CLINICIAN, PATIENT = Role.CLINICIAN, Role.PATIENT


async def damage_absent(path):
    path.unlink()


async def damage_empty(path):
    path.write_bytes(b"")


async def damage_header(path):
    path.write_bytes(b"\0" * 300)


@pytest.mark.parametrize("damage", [damage_absent, damage_empty, damage_header])
async def test_a_journal_that_cannot_be_read_leaves_the_other_whole(folder, record, damage):
    await record({CLINICIAN: [leg()], PATIENT: [leg(ssrc=2)]}, 4.0)
    await damage(journal_path(folder, CLINICIAN))
    manifest = finalize_now(folder)
    assert set(sizes(folder).values()) == {4 * 48_000}
    assert onsets(read_sound(folder / "patient.wav")) == pytest.approx([1.0], abs=0.05)
    assert [(on.start_s, on.end_s) for on in manifest.recorded] == [(0.0, 4.0)]


async def test_packets_that_are_no_opus_are_left_out_and_counted(folder, record):
    packets = leg()
    for index in range(15, 115, 10):
        packets[index] = replace(packets[index], payload=b"\xfb\x00" if index % 20 == 15 else b"\xff\x7f" + b"x" * 9)
    await record({CLINICIAN: [packets]}, 4.0)
    manifest = finalize_now(folder)
    assert manifest.participants[0].invalid == 10
    assert onsets(read_sound(folder / "clinician.ogg")) == pytest.approx([1.0], abs=0.05)


async def test_a_packet_the_decoder_refuses_becomes_silence_in_both_files(folder, record, monkeypatch):
    packets = leg()
    await record({CLINICIAN: [packets]}, 4.0)
    refused = packets[20].payload

    class Choosy(voice.Decoder):
        def decode(self, samples: int, packet: bytes) -> bytes | None:
            return None if packet == refused else super().decode(samples, packet)

    monkeypatch.setattr(voice, "Decoder", Choosy)
    manifest = finalize_now(folder)
    assert manifest.participants[0].invalid == 1
    assert refused not in (folder / "clinician.ogg").read_bytes()
    assert set(sizes(folder).values()) == {4 * 48_000}


hostile_packets = st.lists(
    st.builds(
        OpusPacket,
        ssrc=st.integers(1, 3),
        sequence_number=st.integers(0, 2**16 - 1),
        timestamp=st.integers(0, 2**32 - 1) | st.integers(0, 100_000),
        payload=st.binary(max_size=30) | st.sampled_from([b"", b"\xf8\xff\xfe", b"\x58", b"\xe3\x30" + bytes(48)]),
        arrival_s=st.floats(0, 2),
    ),
    max_size=40,
)


@settings(max_examples=40)
@given(hostile_packets, st.floats(0, 2))
def test_whatever_was_sent_files_are_whole_and_equally_long(tmp_path_factory, packets, ended_at_s):
    folder = tmp_path_factory.mktemp("hostile")
    make_private_folder(folder / "journal")
    records = [journal.encode_mark(RecordType.ON, 0.0), *map(journal.encode_packet, packets)]
    records.append(journal.encode_mark(RecordType.CLOSED, ended_at_s))
    header = journal.encode_header(journal.Header(folder.name, OPENED_AT, PATIENT))
    journal_path(folder, PATIENT).write_bytes(header + b"".join(records))
    manifest = finalize_now(folder)
    assert set(sizes(folder).values()) == {round(ended_at_s * 48_000)}
    counted = manifest.participants[1]
    known = counted.packets + counted.dropped + counted.duplicates + counted.invalid
    assert known <= len([packet for packet in packets if packet.payload])
    pages = read_pages((folder / "patient.ogg").read_bytes())
    assert all(page.checksum == slow_checksum(page.content) for page in pages)
