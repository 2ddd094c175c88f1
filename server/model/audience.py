"""Who may see an event. Enforced here, outside any model."""

from __future__ import annotations

from .advice_events import BudgetSpent, InteractionLogged, QuestionAsked, TipReleased
from .consultation import Role
from .events import (
    EntitiesFound,
    Event,
    ParticipantAway,
    QualityChanged,
    ReportReady,
    SidecarFailed,
    SidecarStateChanged,
    TipMarked,
    TipReady,
)
from .insight import Audience
from .recording_events import DiskLow, RecordingFinalized

BOTH = frozenset(Role)
CLINICIAN_ONLY = frozenset({Role.CLINICIAN})
NOBODY: frozenset[Role] = frozenset()


def roles_of(audience: Audience) -> frozenset[Role]:
    """Return the seats that an audience names."""
    if audience is Audience.ALL:
        return BOTH
    return frozenset({Role(audience.value)})


def may_see(event: Event) -> frozenset[Role]:
    """Return the seats to which `event` may be sent."""
    match event:
        case TipReady(tip=tip):
            return roles_of(tip.audience)
        case TipMarked(audience=audience):
            return roles_of(audience)
        case TipReleased(tip=tip):
            return roles_of(tip.audience) | CLINICIAN_ONLY
        case QuestionAsked() | BudgetSpent():
            return CLINICIAN_ONLY
        case InteractionLogged():
            return NOBODY
        case QualityChanged(role=role) | ParticipantAway(role=role):
            return frozenset({role.other})
        case SidecarStateChanged(sidecar="speech"):
            return BOTH
        case EntitiesFound() | ReportReady():
            return CLINICIAN_ONLY
        case SidecarStateChanged() | SidecarFailed() | DiskLow() | RecordingFinalized():
            return CLINICIAN_ONLY
        case _:
            return BOTH
