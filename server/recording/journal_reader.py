"""Reads a journal back, up to the last whole record."""

from __future__ import annotations

import mmap
import zlib
from collections.abc import Iterator
from pathlib import Path

from ..model.errors import JournalUnreadable
from .journal import RECORD_HEAD, Record, decode, decode_header


class JournalReader:
    """One journal file, mapped into memory; iterate its records, then take payloads by their place.

    Reading stops at the first record that is cut or damaged: `valid_bytes` says where, `torn_bytes` how much
    follows. Use as a context manager.
    """

    def __init__(self, path: Path) -> None:
        """Open `path`.

        Raises:
            JournalUnreadable: If it is not a journal of this version (also when empty or cut in its header).
            OSError: If it cannot be opened.
        """
        with path.open("rb") as file:
            size = path.stat().st_size
            if size == 0:
                raise JournalUnreadable(f"{path.name} is empty: nothing can be read from it.")
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            self.header, self._first = decode_header(self._map, path.name)
        except JournalUnreadable:
            self._map.close()
            raise
        self.valid_bytes = self._first

    def __enter__(self) -> JournalReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._map.close()

    @property
    def torn_bytes(self) -> int:
        """How many bytes follow the last whole record (complete once the iteration has ended)."""
        return len(self._map) - self.valid_bytes

    def payload(self, start: int, end: int) -> bytes:
        """Return the packet payload that lies there."""
        return self._map[start:end]

    def __iter__(self) -> Iterator[Record]:
        place, size, data = self._first, len(self._map), self._map
        while place + RECORD_HEAD.size <= size:
            checksum, length, kind = RECORD_HEAD.unpack_from(data, place)
            body, end = place + RECORD_HEAD.size, place + RECORD_HEAD.size + length
            if end > size or zlib.crc32(data[place + 4 : end]) != checksum:
                return
            record = decode(kind, data, body, end)
            place = self.valid_bytes = end
            if record is not None:
                yield record


def valid_length(path: Path) -> int:
    """Return how many bytes of a journal are whole; 0 if not even its header is."""
    try:
        with JournalReader(path) as journal:
            for _ in journal:
                pass
            return journal.valid_bytes
    except (JournalUnreadable, FileNotFoundError):
        return 0
