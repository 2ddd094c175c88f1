"""Writes the database refuses for what they are: kept in a file of their own, so that the rest goes on."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import structlog

log = structlog.get_logger()

LIMIT_BYTES = 32 * 1024 * 1024


class SetAside:
    """Appends refused writes to `refused.jsonl`; holds what was said, so only its owner may read it."""

    def __init__(self, folder: Path) -> None:
        self.count = 0
        self._path = folder / "refused.jsonl"

    def add(self, sequence: int, payload: bytes, reason: str) -> None:
        """Keep one refused write; when the file is full or cannot be written, only count it."""
        self.count += 1
        log.error("storage.write_refused", sequence=sequence, reason=reason, refused=self.count)
        try:
            record = payload.decode()
        except UnicodeDecodeError:
            record = base64.b64encode(payload).decode()
        line = json.dumps({"sequence": sequence, "reason": reason, "record": record}) + "\n"
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                if os.fstat(descriptor).st_size < LIMIT_BYTES:
                    os.write(descriptor, line.encode())
            finally:
                os.close(descriptor)
        except OSError as error:
            log.error("storage.refused_write_lost", sequence=sequence, reason=error.strerror)
