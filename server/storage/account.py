"""Which account the embedded PostgreSQL runs as: it refuses to run as root."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

import structlog

from ..model.errors import DatabaseUnavailable

log = structlog.get_logger()

ACCOUNT_NAME = "escuta-postgres"


@dataclass(frozen=True, slots=True)
class Account:
    """A user and its group."""

    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        """It is the account this process runs as."""
        return self.uid == os.geteuid()

    def own(self, folder: Path) -> None:
        """Make `folder` this account's alone."""
        if not self.is_ours:
            os.chown(folder, self.uid, self.gid)
        folder.chmod(0o700)

    def let_through(self, path: Path) -> None:
        """Let this account pass (not list) the folders above `path`, where it cannot yet."""
        if self.is_ours:
            return
        for folder in path.parents:
            status = folder.stat()
            if status.st_uid != self.uid and not status.st_mode & stat.S_IXOTH:
                folder.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXOTH)
                log.info(
                    "postgres.folder_opened", folder=str(folder), why="its account must pass it; it cannot list it"
                )

    def let_read(self, folder: Path) -> None:
        """Let this account read and run what lies in `folder` (programs installed under a strict umask)."""
        if self.is_ours or not folder.is_dir():
            return
        for path in (folder, *folder.rglob("*")):
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def account_for(folder: Path) -> Account:
    """Return who is to own `folder`: ourselves, or for root the folder's owner, else an account made for it.

    Raises:
        DatabaseUnavailable: If this is root and no other account can be made.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    if folder.exists() and folder.stat().st_uid != 0:
        return Account(folder.stat().st_uid, folder.stat().st_gid)
    try:
        entry = pwd.getpwnam(ACCOUNT_NAME)
    except KeyError:
        entry = _create()
    return Account(entry.pw_uid, entry.pw_gid)


def _create() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT_NAME]
    try:
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        # Another start may have made it at the same moment.
        try:
            return pwd.getpwnam(ACCOUNT_NAME)
        except KeyError:
            raise DatabaseUnavailable(
                f"PostgreSQL does not run as root and the account {ACCOUNT_NAME} could not be made: "
                "start Escuta as another user, or set DATABASE_URL."
            ) from None
    return pwd.getpwnam(ACCOUNT_NAME)
