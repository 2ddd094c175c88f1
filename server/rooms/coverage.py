"""Whether a recording holds all that was heard live: captions go on where recording had to stop. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..model.consultation import Role
from ..model.transcript import Utterance
from ..recording.manifest import Interval, Manifest

SLACK_S = 1.0
"""Captions and recording may disagree by so much about when something sounded."""


def covers(manifest: Manifest, heard: Iterable[Utterance]) -> bool:
    """Tell whether everything in `heard`, the live transcript, sounded while it was recorded.

    A stretch of which nothing came, or the disk took nothing, is not recorded either.
    """
    gaps: dict[Role, Sequence[Interval]] = {one.role: one.gaps for one in manifest.participants}
    for spoken in heard:
        middle_s = (spoken.start_s + spoken.end_s) / 2
        if spoken.role not in gaps or not _within(middle_s, manifest.recorded, SLACK_S):
            return False
        if _within(middle_s, gaps[spoken.role], -SLACK_S):
            return False
    return True


def _within(at_s: float, intervals: Sequence[Interval], slack_s: float) -> bool:
    return any(interval.start_s - slack_s <= at_s <= interval.end_s + slack_s for interval in intervals)
