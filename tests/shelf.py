"""Reports kept in a dictionary, as the database would."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from server.model.errors import NotFound
from server.model.report import Report, ReportVersion, Signature, Support


class FakeShelf:
    """Versions by consultation."""

    def __init__(self) -> None:
        self.kept: defaultdict[str, list[Report]] = defaultdict(list)

    async def versions(self, consultation_id: str) -> Sequence[ReportVersion]:
        return [_listed(one) for one in self.kept[consultation_id]]

    async def newest(self, consultation_id: str) -> Report | None:
        return self.kept[consultation_id][-1] if self.kept[consultation_id] else None

    async def version(self, consultation_id: str, version: int) -> Report:
        for one in self.kept[consultation_id]:
            if one.version == version:
                return one
        raise NotFound(f"This consultation's report has no version {version}: see the list of its versions.")

    async def add(self, report: Report) -> bool:
        if report.version != len(self.kept[report.consultation_id]) + 1:
            return False
        self.kept[report.consultation_id].append(report)
        return True

    async def sign(self, consultation_id: str, version: int, signature: Signature) -> bool:
        one = self.kept[consultation_id][version - 1]
        if one.signature is not None:
            return False
        sealed = one.model_copy(update={"status": "signed", "signature": signature})
        self.kept[consultation_id][version - 1] = sealed
        return True


def _listed(report: Report) -> ReportVersion:
    statements = [one for section in report.sections for one in section.statements]
    fields = report.model_dump(include=set(ReportVersion.model_fields) & set(Report.model_fields))
    return ReportVersion(
        **fields,
        signed_by=report.signature.name if report.signature else None,
        statements=len(statements),
        unsupported=sum(one.support is Support.UNSUPPORTED for one in statements),
    )
