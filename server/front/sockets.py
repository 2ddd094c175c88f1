"""The private folder of the sockets between the front, its workers and the speech process."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..model.errors import InvalidSettings

PATH_LIMIT_BYTES = 100  # the kernel's is 107
LONGEST_NAME = "worker-999"


@contextmanager
def socket_folder(data_dir: Path) -> Iterator[Path]:
    """Make `DATA_DIR/run`, or a temporary folder where that path is too long for sockets; its owner's alone.

    Raises:
        InvalidSettings: If it cannot be made.
    """
    inside = data_dir.resolve() / "run"
    fits = len(os.fsencode(inside / LONGEST_NAME)) <= PATH_LIMIT_BYTES
    try:
        if fits:
            inside.mkdir(mode=0o700, exist_ok=True)
            inside.chmod(0o700)
        folder = inside if fits else Path(tempfile.mkdtemp(prefix="escuta-"))
    except OSError as error:
        raise InvalidSettings(f"{inside} cannot be made: {error.strerror}. Set another DATA_DIR.") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def listening_socket(path: Path) -> Iterator[socket.socket]:
    """Listen at `path`, whoever takes the connections: those who connect meanwhile wait."""
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen(128)
        yield listening
