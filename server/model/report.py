"""A report of one consultation: statements in sections, each with the words it rests on."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from .consultation import Frozen, Language
from .entities import Entity
from .insight import Evidence
from .transcript import Edition


class Support(StrEnum):
    """What the checker, and then the clinician, found of a statement. What is unsupported is never exported."""

    SUPPORTED = "supported"
    UNSUPPORTED = "unsupported"
    CONFIRMED = "confirmed"


class Origin(StrEnum):
    """Who wrote a statement."""

    RULES = "rules"
    MODEL = "model"
    CLINICIAN = "clinician"


class Statement(Frozen):
    """One sentence of a report.

    `entities` are what it states, as found in its evidence: they become coded entries of an export. `doubts` say in
    one clause each why it is unsupported. `edited_from` is the sentence before the clinician changed it.
    """

    id: str = Field(min_length=1, max_length=64)
    text: str = Field(min_length=1, max_length=4000)
    evidence: tuple[Evidence, ...] = ()
    entities: tuple[Entity, ...] = ()
    support: Support = Support.UNSUPPORTED
    doubts: tuple[str, ...] = ()
    origin: Origin = Origin.RULES
    edited_from: str = ""

    @property
    def exportable(self) -> bool:
        """Whether it may leave the page."""
        return self.support is not Support.UNSUPPORTED


class Section(Frozen):
    """A heading and what stands below it, in order. `code` is its LOINC code, where the template names one."""

    id: str = Field(min_length=1, max_length=64)
    title: str
    code: str = ""
    statements: tuple[Statement, ...] = ()


class RecordingHash(Frozen):
    """A recording as it was when the report was signed."""

    name: str
    sha256: str


class Signature(Frozen):
    """Who signed what: SHA-256 of the report without its signature, of the transcript and of each recording.

    `digest` is over the other fields.
    """

    name: str = Field(min_length=1, max_length=200)
    identity: str
    signed_at: AwareDatetime
    report_sha256: str
    transcript_sha256: str
    recordings: tuple[RecordingHash, ...] = ()
    digest: str


class Report(Frozen):
    """One version of a consultation's report; a later one never changes it. `template` is a template file's name.

    `edition`: the transcript that its evidence quotes.
    """

    consultation_id: str
    version: int = Field(ge=1)
    template: str
    language: Language
    edition: Edition = "live"
    title: str
    sections: tuple[Section, ...]
    status: Literal["draft", "signed"] = "draft"
    created_at: AwareDatetime
    author: str = ""
    model: str = ""
    signature: Signature | None = None


class ReportVersion(Frozen):
    """A version in a list: what it is, without what it says. `unsupported` of its `statements` are not exported."""

    version: int = Field(ge=1)
    template: str
    title: str
    edition: Edition = "live"
    status: Literal["draft", "signed"] = "draft"
    created_at: AwareDatetime
    author: str = ""
    model: str = ""
    signed_by: str | None = None
    statements: int = 0
    unsupported: int = 0


class EditStatement(Frozen):
    """The clinician puts it in other words, or takes other words back."""

    kind: Literal["edit"]
    statement_id: str = Field(min_length=1, max_length=64)
    text: str = Field(min_length=1, max_length=4000, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")


class ConfirmStatement(Frozen):
    """The clinician answers for what nothing that was said supports (`confirmed`), or no longer does."""

    kind: Literal["confirm"]
    statement_id: str = Field(min_length=1, max_length=64)
    confirmed: bool = True


class RemoveStatement(Frozen):
    """The clinician leaves it out."""

    kind: Literal["remove"]
    statement_id: str = Field(min_length=1, max_length=64)


class AddStatement(Frozen):
    """The clinician adds a sentence at the end of a section."""

    kind: Literal["add"]
    section_id: str = Field(min_length=1, max_length=64)
    text: str = Field(min_length=1, max_length=4000, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")


Change = EditStatement | ConfirmStatement | RemoveStatement | AddStatement
AnyChange = Annotated[Change, Field(discriminator="kind")]
