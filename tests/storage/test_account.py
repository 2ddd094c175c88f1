"""Letting the database's own account through: it alone, and only where it cannot pass yet."""

import errno
import os
import stat
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.storage import account as account_module
from server.storage.account import Account
from server.storage.acl import ATTRIBUTE, PASS, Entry, Tag, decode, encode, let_pass, with_passage
from server.storage.embedded import EmbeddedPostgres

POSTGRES_UID = 4711
PLAIN = [Entry(Tag.OWNER, 0o7), Entry(Tag.OWNING_GROUP, 0o0), Entry(Tag.OTHERS, 0o0)]


def rights(entries: list[Entry]) -> dict[tuple[int, int], int]:
    """What each may do, the mask applied."""
    mask = next((entry.permissions for entry in entries if entry.tag == Tag.MASK), 0o7)
    unlimited = (Tag.OWNER, Tag.OTHERS)
    return {
        (entry.tag, entry.id): entry.permissions & (0o7 if entry.tag in unlimited else mask)
        for entry in entries
        if entry.tag != Tag.MASK
    }


permissions = st.integers(0, 7)
lists = st.builds(
    lambda plain, users, groups, mask: sorted(
        [
            *(Entry(tag, value) for tag, value in zip((Tag.OWNER, Tag.OWNING_GROUP, Tag.OTHERS), plain, strict=True)),
            *(Entry(Tag.USER, value, uid) for uid, value in users.items()),
            *(Entry(Tag.GROUP, value, gid) for gid, value in groups.items()),
            Entry(Tag.MASK, mask),
        ],
        key=lambda entry: (entry.tag, entry.id),
    ),
    st.tuples(permissions, permissions, permissions),
    st.dictionaries(st.sampled_from([1, POSTGRES_UID, 5000]), permissions),
    st.dictionaries(st.sampled_from([1, 5000]), permissions),
    permissions,
)


@given(lists)
def test_one_account_may_pass_and_everybody_elses_rights_stay(entries: list[Entry]) -> None:
    changed = with_passage(entries, POSTGRES_UID)
    before, after = rights(entries), rights(changed)
    own = (Tag.USER, POSTGRES_UID)
    assert after.pop(own) == before.pop(own, 0) | PASS
    assert after == before
    assert changed == sorted(changed, key=lambda entry: (entry.tag, entry.id))
    assert with_passage(changed, POSTGRES_UID) == changed
    assert decode(encode(changed)) == changed


def test_a_folder_without_a_list_gets_the_least_one() -> None:
    assert with_passage(PLAIN, POSTGRES_UID) == [
        Entry(Tag.OWNER, 0o7),
        Entry(Tag.USER, PASS, POSTGRES_UID),
        Entry(Tag.OWNING_GROUP, 0o0),
        Entry(Tag.MASK, PASS),
        Entry(Tag.OTHERS, 0o0),
    ]


def test_the_list_is_written_to_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[Path, bytes] = {}

    def read(folder: Path, name: str) -> bytes:
        if folder not in kept:
            raise OSError(errno.ENODATA, "no data")
        return kept[folder]

    monkeypatch.setattr(os, "getxattr", read)
    monkeypatch.setattr(os, "setxattr", lambda folder, name, value: kept.update({folder: value}))
    tmp_path.chmod(0o700)
    for uid in (POSTGRES_UID, 5000, POSTGRES_UID):
        let_pass(tmp_path, uid)
    expected = {(Tag.USER, POSTGRES_UID): PASS, (Tag.USER, 5000): PASS}
    assert rights(decode(kept[tmp_path])) == rights(PLAIN) | expected


@pytest.fixture
def stranger() -> Account:
    """An account that is not ours."""
    return Account(os.geteuid() + 1, os.getegid() + 1)


def test_folders_that_can_be_passed_are_left_alone(
    stranger: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Account, "can_pass", lambda self, folder: True)
    monkeypatch.setattr(account_module, "let_pass", lambda folder, uid: pytest.fail("nothing was to be opened"))
    stranger.let_through(tmp_path / "postgres")


def test_each_folder_in_the_way_is_opened_to_the_account_alone(
    stranger: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[Path, int]] = []
    monkeypatch.setattr(account_module, "let_pass", lambda folder, uid: opened.append((folder, uid)))
    data_dir = tmp_path / "home/data"
    data_dir.mkdir(parents=True)
    home = data_dir.parent
    home.chmod(0o700)
    (tmp_path / "link").symlink_to(data_dir)
    monkeypatch.setattr(Account, "can_pass", lambda self, folder: home not in (folder, *folder.resolve().parents))
    stranger.let_through(tmp_path / "link/postgres")
    assert opened[0] == (home, stranger.uid)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_where_there_are_no_lists_everybody_may_pass_but_not_list(
    stranger: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(folder: Path, uid: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "not supported", str(folder))

    monkeypatch.setattr(account_module, "let_pass", unsupported)
    monkeypatch.setattr(Account, "can_pass", lambda self, folder: bool(folder.stat().st_mode & stat.S_IXOTH))
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    stranger.let_through(home / "postgres")
    assert stat.S_IMODE(home.stat().st_mode) == 0o701


def keeps_lists(folder: Path) -> bool:
    try:
        os.setxattr(folder, ATTRIBUTE, encode(PLAIN))
    except OSError:
        return False
    return True


async def test_a_database_below_a_closed_home_runs_and_the_home_stays_closed(empty_data_dir: Path) -> None:
    """Whoever starts it: for root the server runs under an account of its own."""
    probe, home = empty_data_dir / "probe", empty_data_dir / "home"
    for folder in (probe, home):
        folder.mkdir(mode=0o700)
    server = EmbeddedPostgres(home / "escuta/.data")
    with psycopg.connect(await server.start()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    await server.stop()
    for_others = 0o000 if keeps_lists(probe) else stat.S_IXOTH
    for folder in (empty_data_dir, home, home / "escuta/.data"):
        assert folder.stat().st_mode & 0o007 in (0o000, for_others)
