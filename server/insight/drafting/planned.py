"""What the clinician means to do, why the patient came, and what must not be overlooked, in their own words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from ...model.consultation import Role
from ...model.entities import Assertion, Entity, EntityCategory
from ...model.transcript import Utterance
from .. import knowledge_file, reasoning
from ..case import Case
from ..findings import ANNOUNCES, PRESCRIBES, PROPOSES
from ..scope import Status
from ..text import Spoken, tokenize
from . import quoting
from .fact import Fact
from .notes import Notes
from .stated import folded
from .templates import Kind, phrases

_INTENT = frozenset({ANNOUNCES, PROPOSES, PRESCRIBES})
NEAR = 3
"""Turns of the clinician within which more is said of a plan."""
LEAST_WORDS = 4
"""What is shorter is no plan: "Tome.", "Vamos ver."."""
LONGEST_COMPLAINT = 5
"""Turns of the patient among which the first complaint is looked for."""


class Plans:
    """The sentences of one consultation, by what they are for."""

    def __init__(self, notes: Notes, entities: Sequence[Entity]) -> None:
        self._notes = notes
        self._entities: defaultdict[str, list[Entity]] = defaultdict(list)
        for entity in entities:
            self._entities[entity.utterance_id].append(entity)
        self._spoken: dict[str, Spoken] = {}
        self._intent: dict[str, frozenset[int]] = {}
        self._asked: dict[str, frozenset[int]] = {}
        self._near: set[str] = set()
        self._address = folded(phrases(notes.language).cues.address)
        since = NEAR
        for heard in notes.heard():
            one = heard.utterance
            spoken = self._spoken[one.id] = tokenize(one.text)
            meant = [f for f in heard.findings if f.name in _INTENT and f.status is not Status.NEGATED]
            planned = {finding.sentence for finding in (*meant, *heard.plans, *heard.proposals)}
            self._asked[one.id] = spoken.questions
            by_clinician = one.role is Role.CLINICIAN
            self._intent[one.id] = frozenset(planned - spoken.questions) if by_clinician else frozenset()
            since = 0 if self._intent[one.id] else since + by_clinician
            if since < NEAR:
                self._near.add(one.id)

    def planned(self, entity: Entity) -> bool:
        """Tell whether its sentence says what will be done."""
        return self._sentence(entity) in self._intent.get(entity.utterance_id, ())

    def near_a_plan(self, entity: Entity) -> bool:
        """Tell whether it stands in no question, and the clinician says so or just before what will be done."""
        return entity.utterance_id in self._near

    def addressed(self, entity: Entity) -> bool:
        """Tell whether its sentence speaks to the patient: "you mentioned …", "a senhora tem …"."""
        spoken = self._spoken[entity.utterance_id]
        sentence = self._sentence(entity)
        return any(token.norm in self._address for token in spoken.tokens if token.sentence == sentence)

    def asked(self, entity: Entity) -> bool:
        """Tell whether its sentence is a question."""
        return self._sentence(entity) in self._asked.get(entity.utterance_id, ())

    def sentences(self, told: Sequence[Fact]) -> Iterator[Fact]:
        """Yield what else the clinician says will be done, and what to do if something comes, as it was said."""
        covered = {
            (fact.about.utterance_id, self._sentence(fact.about))
            for fact in told
            if fact.about is not None and self.planned(fact.about)
        }
        for one in self._notes.said:
            if one.role is not Role.CLINICIAN:
                continue
            spoken = self._spoken[one.id]
            for sentence in sorted(self._intent[one.id] | self._supposed(one)):
                tokens = [token for token in spoken.tokens if token.sentence == sentence]
                if (one.id, sentence) not in covered and len(tokens) >= LEAST_WORDS:
                    yield self._quoted(Kind.PLAN, one, tokens[0].start, tokens[-1].end)

    def complaint(self) -> Iterator[Fact]:
        """Yield the first words in which the patient says what is wrong."""
        turns = [one for one in self._notes.said if one.role is Role.PATIENT][:LONGEST_COMPLAINT]
        for one in turns:
            for entity in self._entities[one.id]:
                if entity.category is EntityCategory.SYMPTOM and entity.assertion is Assertion.AFFIRMED:
                    yield self._quoted(Kind.COMPLAINT, one, entity.start, entity.end)
                    return

    def red_flags(self) -> Iterator[Fact]:
        """Yield each constellation that the rules know as dangerous, named by the words that make it."""
        heard = self._notes.heard()
        if not heard:
            return
        found = [
            {(one.utterance_id, one.quote): one for one in tip.evidence}
            for tip in reasoning.red_flags(Case(heard), knowledge_file.load(heard[-1].language))
        ]
        for i, cited in enumerate(found):
            told = any(
                cited.keys() < other.keys() or (cited.keys() == other.keys() and j < i) for j, other in enumerate(found)
            )
            if not told:
                quotes = ", ".join(f"“{quote.strip('.!')}”" for _, quote in cited)
                proof = tuple(cited.values())
                yield Fact(Kind.RED_FLAG, proof, proof[0].start_s, quote=quotes)

    def _quoted(self, kind: Kind, utterance: Utterance, start: int, end: int) -> Fact:
        proof = quoting.evidence(utterance, start, end)
        begin = utterance.text.find(proof.quote)
        also = tuple(
            one
            for one in self._entities[utterance.id]
            if begin <= one.start and one.end <= begin + len(proof.quote) and one.assertion is not Assertion.ASKED
        )
        return Fact(kind, (proof,), proof.start_s, quote=proof.quote, also=also)

    def _supposed(self, one: Utterance) -> frozenset[int]:
        return frozenset(
            self._sentence(entity)
            for entity in self._entities[one.id]
            if entity.assertion is Assertion.SUPPOSED and not self.asked(entity)
        )

    def _sentence(self, entity: Entity) -> int:
        tokens = self._spoken[entity.utterance_id].tokens
        return next((token.sentence for token in tokens if token.end > entity.start), -1)
