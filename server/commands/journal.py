"""`journal`: print what a journal holds, readable."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..model.errors import NotFound, Unavailable

HELP = "Print what a journal holds: one line a record, then how much of it is whole."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", type=Path, metavar="FILE", help="for example recordings/ID/journal/patient.jnl")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--summary", action="store_true", help="leave the records out")


def run(arguments: argparse.Namespace) -> int:
    """Print it; status 1 when a damaged or half-written record follows the last whole one."""
    path: Path = arguments.file
    write = _write_json if arguments.json else _write_text
    try:
        return _print(path, write, records=not arguments.summary)
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {path}: journals are at RECORDINGS_DIR/ID/journal/ROLE.jnl.") from error
    except BrokenPipeError:
        return 0
    except OSError as error:
        raise Unavailable(f"{path} cannot be read ({(error.strerror or 'unknown').lower()}).") from error


def _print(path: Path, write: Any, *, records: bool) -> int:
    from ..recording.journal_reader import JournalReader

    with JournalReader(path) as journal:
        header = journal.header
        write(
            "header",
            {
                "consultation_id": header.consultation_id,
                "opened_at": header.opened_at.isoformat(),
                "role": header.role.value,
            },
        )
        counts: dict[str, int] = {}
        last_s = 0.0
        for kind, fields in _records(journal):
            counts[kind] = counts.get(kind, 0) + 1
            last_s = max(last_s, fields.get("at_s", 0.0))
            if records:
                write(kind, fields)
        summary = {"last_s": last_s, "valid_bytes": journal.valid_bytes, "torn_bytes": journal.torn_bytes}
        write("end", summary | {"records": counts})
        return 1 if journal.torn_bytes else 0


def _records(journal: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    from ..opus.packet import packet_samples
    from ..recording.journal import RecordType

    for record in journal:
        fields: dict[str, Any] = {"at_s": record.at_ns / 1e9}
        match record.type:
            case RecordType.PACKET:
                payload = journal.payload(record.payload_start, record.payload_end)
                fields |= {
                    "ssrc": record.ssrc,
                    "sequence_number": record.sequence_number,
                    "timestamp": record.timestamp,
                    "bytes": len(payload),
                    "ms": packet_samples(payload) / 48,
                }
            case RecordType.REPORT:
                fields |= {"ssrc": record.ssrc, "timestamp": record.timestamp, "ntp_s": record.ntp_s}
            case RecordType.LOST:
                fields = {"lost": record.lost}
            case _:
                pass
        yield record.type.name.lower(), fields


def _write_json(kind: str, fields: dict[str, Any]) -> None:
    print(json.dumps({"type": kind, **fields}))


def _write_text(kind: str, fields: dict[str, Any]) -> None:
    rest = dict(fields)
    at_s = rest.pop("at_s", None)
    time = f"{at_s:12.6f}" if at_s is not None else " " * 12
    print(f"{time}  {kind:<10}", *(f"{name}={_shown(value)}" for name, value in rest.items()))


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}:{count}" for name, count in value.items()) or "none"
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
