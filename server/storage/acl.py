"""Access control lists of folders: letting one more account pass, and nobody else."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

ATTRIBUTE = "system.posix_acl_access"
VERSION = struct.pack("<I", 2)
ENTRY = struct.Struct("<HHI")  # tag, permissions, id
NO_ID = 0xFFFFFFFF
PASS = 0o1


class Tag(IntEnum):
    """Whom an entry is about, in the order entries must have. Source: linux/posix_acl.h."""

    OWNER = 0x01
    USER = 0x02
    OWNING_GROUP = 0x04
    GROUP = 0x08
    MASK = 0x10
    OTHERS = 0x20


class Entry(NamedTuple):
    """What one user or group may do; the mask limits everyone but the owner and the others."""

    tag: int
    permissions: int
    id: int = NO_ID


def let_pass(folder: Path, uid: int) -> None:
    """Let the account `uid` pass `folder`, not list it; what anybody else may do there stays the same.

    Raises:
        OSError: If the list cannot be written; EOPNOTSUPP where the file system keeps none.
    """
    os.setxattr(folder, ATTRIBUTE, encode(with_passage(_entries(folder), uid)))


def with_passage(entries: Iterable[Entry], uid: int) -> list[Entry]:
    """Return the list `entries` with the right to pass for `uid`, and everybody else's rights as they were."""
    given = list(entries)
    mask = next((entry.permissions for entry in given if entry.tag == Tag.MASK), 0o7)
    changed, own = [], PASS
    for entry in given:
        limited = entry.permissions & mask
        if entry.tag == Tag.USER and entry.id == uid:
            own |= limited
        elif entry.tag in (Tag.USER, Tag.OWNING_GROUP, Tag.GROUP):
            # What the old mask held back must not come free under the new one.
            changed.append(entry._replace(permissions=limited))
        elif entry.tag != Tag.MASK:
            changed.append(entry)
    changed.append(Entry(Tag.USER, own, uid))
    new_mask = 0
    for entry in changed:
        if entry.tag in (Tag.USER, Tag.OWNING_GROUP, Tag.GROUP):
            new_mask |= entry.permissions
    return sorted([*changed, Entry(Tag.MASK, new_mask)], key=lambda entry: (entry.tag, entry.id))


def encode(entries: Iterable[Entry]) -> bytes:
    """Return the attribute's value."""
    return VERSION + b"".join(ENTRY.pack(*entry) for entry in entries)


def decode(value: bytes) -> list[Entry]:
    """Return the entries of an attribute's value."""
    return [Entry(*fields) for fields in ENTRY.iter_unpack(value[len(VERSION) :])]


def _entries(folder: Path) -> list[Entry]:
    try:
        return decode(os.getxattr(folder, ATTRIBUTE))
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise
    mode = folder.stat().st_mode
    return [
        Entry(Tag.OWNER, mode >> 6 & 0o7),
        Entry(Tag.OWNING_GROUP, mode >> 3 & 0o7),
        Entry(Tag.OTHERS, mode & 0o7),
    ]
