"""Any report there may be: odd letters, empty sections, endless words, markup of every kind, numbers that are none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import TypeVar

from hypothesis import strategies as st

from server.model.consultation import Consultation, ConsultationStatus, Participant, Role
from server.model.entities import Assertion, Entity, EntityCategory, Relation, RelationKind
from server.model.insight import Evidence
from server.model.report import Origin, RecordingHash, Report, Section, Signature, Statement, Support
from server.model.transcript import Utterance
from server.web.exports.dossier import Dossier

HIDDEN = "nobodysaidthis"
"""Stands in every part of a report that must not leave."""

NASTY = (
    "<script>alert(1)</script>", "<b>bold</b> & <i/>", "&lt;b&gt; &amp; &#65; &nbsp;", "]]> <!-- -->", "<?xml?>",
    "# heading", "- item", "+ item", "* item", "1. item", "12) item", "> quote", "```code```", "`code`", "---", "===",
    "[link](http://example.org)", "![image](http://example.org/a.png)", "<http://example.org>",
    "http://example.org/a_b_c",
    "www.example.org", "ana@example.org", "[ref]: http://example.org", "a | b | c", "~~gone~~",
    "**bold** __bold__ _it_",
    "=cmd|'/C calc'!A0", "@SUM(1+1)", "+1+1", "-2+3", "$x^2$", ":smile:", "\\", "\\\\[", "a\\", "#",
    "1986\\. what",
    "<font name='Symbol' color='red'>a</font>", "<a href='javascript:alert(1)'>x</a>",
    "<img src='file:///etc/passwd'/>", "<para>x</para>", "<br/>", "<seq/>", "{page} {pages} %s %(x)s {0}",
    "ação, coração, pôde, às, ü, ñ, º ª “aspas” – —",
    "שלום לך", "مرحبا بالعالم", "\u202eevil\u202c", "a\u200bb\ufeffc", "\x00\x01\x1b[31m", "a\r\nb\tc\u2028d\x85e",
    "😀👨‍👩‍👧🇧🇷", "日本語の診断", "e\u0301e\u0327\u0301", "β-hCG → 5 µg ≥ ≤ ½ SpO₂ Ω",
    "Jiří Dvořák Łukasz Şükrü", "\ufffe\U0001ffff",
    "fi ﬂ ﬁ ™ ℃ ㎎", "palavra " * 80, "w" * 900, "W" * 200 + " " + "m" * 300,
    "\u00ad".join("soft"), "'; DROP TABLE --", " ", "\u3000",
)  # fmt: skip

ZONES = (UTC, timezone(timedelta(hours=-3)), timezone(timedelta(hours=5, minutes=45)))
UTTERANCES = ("u1", "u2", "u3", "u4")
ODD_NUMBERS = (0.0, -1.0, 0.1, 1e-9, 1e22, float("nan"), float("inf"), float("-inf"))
CATEGORIES = (
    *EntityCategory, *2 * (EntityCategory.MEDICATION, EntityCategory.DOSAGE, EntityCategory.MEASUREMENT),
    *2 * (EntityCategory.ALLERGEN, EntityCategory.DIAGNOSIS, EntityCategory.FAMILY, EntityCategory.EXAMINATION),
)  # fmt: skip
Made = TypeVar("Made")


@dataclass(frozen=True)
class Dice:
    """Makes one report of one seed. Random, not a strategy: reports as big as these exceed what strategies may draw."""

    random: Random

    def one_of(self, *choices: Made) -> Made:
        return self.random.choice(choices)

    def some(self, make: Callable[[], Made], least: int, most: int) -> tuple[Made, ...]:
        return tuple(make() for _ in range(self.random.randint(least, most)))

    def text(self, most: int = 4000) -> str:
        made = self.one_of(
            lambda: self.one_of(*NASTY),
            lambda: " ".join(self.some(lambda: self.one_of(*NASTY), 1, 3)),
            lambda: "".join(self.some(self.character, 0, 30)),
            lambda: "",
        )()
        return made[:most]

    def character(self) -> str:
        code = self.one_of(
            self.random.randrange(128), self.random.randrange(0x3000), self.random.randrange(0xE000, 0x110000)
        )
        return chr(code)

    def some_text(self, most: int) -> str:
        return self.text(most) or "x"

    def number(self) -> float:
        return self.one_of(*ODD_NUMBERS) if self.random.random() < 0.2 else self.random.uniform(0, 9000)

    def moment(self) -> datetime:
        return datetime(2020, 1, 1, tzinfo=self.one_of(*ZONES)) + timedelta(seconds=self.random.randrange(10**9))

    def entity(self) -> Entity:
        return Entity(
            id=self.one_of("e1", "e2", "e3", "e4"),
            utterance_id=self.one_of(*UTTERANCES, "gone"),
            category=self.one_of(*CATEGORIES),
            text=self.text(),
            start=self.random.randrange(100),
            end=self.random.randrange(100),
            normal=self.text(),
            name=self.text(),
            assertion=self.one_of(Assertion.AFFIRMED, *Assertion),
            value=self.one_of(None, self.number()),
            unit=self.one_of("", "mg", "ml", "mmHg", self.text()),
            relations=self.some(
                lambda: Relation(kind=self.one_of(*RelationKind), to=self.one_of("e1", "e2", "e3", "e4")), 0, 2
            ),
            answer_id=self.one_of("", "", "u2", "gone"),
        )

    def evidence(self) -> Evidence:
        start_s = self.number()
        end_s = self.one_of(start_s + 2, 0.0, self.number())
        return Evidence(utterance_id=self.one_of(*UTTERANCES, "gone"), quote=self.text(), start_s=start_s, end_s=end_s)

    def statement(self) -> Statement:
        support = self.one_of(Support.SUPPORTED, Support.SUPPORTED, Support.CONFIRMED, Support.UNSUPPORTED)
        hidden = support is Support.UNSUPPORTED
        evidence, entities = self.some(self.evidence, 0, 3), self.some(self.entity, 0, 5)
        return Statement(
            id=self.some_text(64),
            text=HIDDEN if hidden else self.some_text(4000),
            evidence=tuple(one.model_copy(update={"quote": HIDDEN}) for one in evidence) if hidden else evidence,
            entities=tuple(one.model_copy(update={"name": HIDDEN}) for one in entities) if hidden else entities,
            support=support,
            doubts=(HIDDEN,),
            origin=self.one_of(*Origin),
            edited_from=HIDDEN,
        )

    def section(self) -> Section:
        return Section(
            id=self.some_text(64),
            title=self.text(),
            code=self.one_of("", "18776-5", "61150-9", self.text()),
            statements=self.some(self.statement, 0, 4),
        )

    def signature(self) -> Signature:
        return Signature(
            name=self.some_text(200),
            identity=self.text(),
            signed_at=self.moment(),
            report_sha256=self.one_of("a" * 64, self.text()),
            transcript_sha256="b" * 64,
            recordings=self.some(lambda: RecordingHash(name=self.text(), sha256=self.one_of("d" * 64, "")), 0, 2),
            digest=self.one_of("c" * 64, self.text()),
        )

    def report(self) -> Report:
        return Report(
            consultation_id="consultation-one",
            version=self.random.randint(1, 99),
            template=self.one_of("soap", "laudo", "referral", "patient", self.text()),
            language=self.one_of("pt", "en", "auto"),
            title=self.text(),
            sections=self.some(self.section, 0, 4),
            status=self.one_of("draft", "signed"),
            created_at=self.moment(),
            author=self.text(),
            model=self.text(),
            signature=self.one_of(self.signature(), None),
        )

    def people(self) -> list[Participant]:
        seats: Sequence[Role] = self.one_of((), (Role.CLINICIAN,), tuple(Role), tuple(Role))
        return [Participant(role=role, identity=self.some_text(100), name=self.some_text(100)) for role in seats]

    def utterance(self, name: str) -> Utterance:
        return Utterance(
            id=name,
            role=self.one_of(*Role),
            start_s=self.number(),
            end_s=self.number(),
            text=self.text(),
            language=self.one_of("pt", "en", "es"),
        )

    def dossier(self) -> Dossier:
        consultation = Consultation(
            id="consultation-one",
            title=self.text(200),
            agent_id="default",
            status=self.one_of(*ConsultationStatus),
            created_at=self.moment(),
            opened_at=self.one_of(None, self.moment()),
            ended_at=self.one_of(None, self.moment()),
        )
        said = [self.utterance(name) for name in UTTERANCES[: self.random.randint(0, 4)]]
        return Dossier(self.report(), consultation, self.people(), said)


dossiers = st.integers(0, 10**6).map(lambda seed: Dice(Random(seed)).dossier())
