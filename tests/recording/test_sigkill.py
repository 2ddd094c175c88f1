import pytest

from server.recording.recover import recover, unfinished

from .killing import Killed, kill_many

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> list[Killed]:
    recordings = tmp_path_factory.mktemp("sigkill") / "recordings"
    return kill_many(recordings, 24, at_once=4, longest_s=1.5)


def test_a_server_killed_at_any_moment_loses_at_most_the_last_second(killed):
    assert sum(len(one.taken_ns) for one in killed) > 300
    for one in killed:
        kept = [number for number, _ in one.kept()]
        assert kept == list(range(len(kept)))
        assert one.lost_s() < 1.0, (one.folder.name, len(kept))


def test_every_killed_recording_is_found_unfinished(killed):
    with_something = {one.folder for one in killed if one.kept()}
    assert with_something <= set(unfinished(killed[0].folder.parent))


async def test_a_killed_recording_is_recovered_up_to_its_last_packet(killed):
    longest = max(killed, key=lambda one: len(one.taken_ns))
    manifest = await recover(longest.folder)
    assert longest.folder not in unfinished(longest.folder.parent)
    assert not manifest.closed
    assert manifest.participants[1].packets == len(longest.kept())
    assert manifest.duration_s == pytest.approx(longest.kept()[-1][1], abs=0.001)
    assert len(manifest.files) == 5
