import pytest

from server.model.consultation import Role
from server.model.errors import Conflict
from server.recording.disk import free_mb
from server.recording.recorder import Recorder
from server.recording.recover import recover, unfinished

from .sound import Leg, bursts, encode


def test_where_there_are_no_recordings_nothing_is_unfinished(tmp_path):
    assert unfinished(tmp_path / "absent") == []
    (tmp_path / "something else").mkdir()
    (tmp_path / "file").write_text("")
    assert unfinished(tmp_path) == []


async def test_a_recording_is_unfinished_until_recovered(folder, record):
    await record({Role.PATIENT: [Leg().packets(encode(bursts(1.0, [0.5])))]}, None)
    assert unfinished(folder.parent) == [folder]
    manifest = await recover(folder)
    assert len(manifest.files) == 5
    assert unfinished(folder.parent) == []


async def test_a_live_recording_is_left_alone(folder, clock):
    recorder = Recorder(folder, clock.room, on_failure=print)
    await recorder.open()
    assert unfinished(folder.parent) == []
    with pytest.raises(Conflict, match="in use"):
        await recover(folder)
    await recorder.close(1.0)
    assert unfinished(folder.parent) == [folder]


def test_free_space_is_told_for_folders_not_made_yet(tmp_path):
    assert free_mb(tmp_path / "a" / "b") == free_mb(tmp_path) > 0
