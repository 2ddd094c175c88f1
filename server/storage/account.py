"""Which account the embedded PostgreSQL runs as: it refuses to run as root."""

from __future__ import annotations

import errno
import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

import structlog

from ..model.errors import DatabaseUnavailable
from .acl import let_pass

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

    def can_pass(self, folder: Path) -> bool:
        """Tell whether this account may enter `folder`, which takes passing every folder above it too. Blocking."""
        command = ["/bin/sh", "-c", 'test -x "$1"', "sh", str(folder)]
        tried = subprocess.run(  # noqa: S603
            command, check=False, user=self.uid, group=self.gid, extra_groups=[], cwd="/"
        )
        return tried.returncode == 0

    def let_through(self, path: Path) -> None:
        """Let this account, and no other, pass (not list) the folders above `path`, where it cannot yet. Blocking.

        Where the file system keeps no access control lists, everybody may pass afterwards: that is logged.

        Raises:
            OSError: If a folder's permissions cannot be changed.
        """
        if self.is_ours:
            return
        real = path.resolve()
        if self.can_pass(real.parent) and self.can_pass(path.parent):
            return
        for folder in dict.fromkeys((*reversed(real.parents), *reversed(path.parents))):
            if not self.can_pass(folder):
                self._open(folder)

    def _open(self, folder: Path) -> None:
        try:
            let_pass(folder, self.uid)
            log.info("postgres.folder_opened", folder=str(folder), to=self.uid)
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise
            folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IXOTH)
            log.warning(
                "postgres.folder_opened_to_all",
                folder=str(folder),
                why="its file system keeps no access control lists, and the database's account must pass it",
                instead="start Escuta as another user than root, or set another DATA_DIR",
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
