"""How a mention stands in its utterance: the scope of the tips' rules, with cues that concern entities alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from ...model.consultation import Role
from ...model.entities import Assertion, EntityCategory
from ..phrases import Match
from ..scope import Scope, Status
from ..text import Spoken
from .grammar import cue_lexicon

POSSIBLE_WITHIN = 7
PAST_WITHIN = 5
PLANNED_WITHIN = 12
"""Words from a cue to what it concerns."""
NORMAL_WITHIN = 4
DENIED_WITHIN = 4
GRANTED_WITHIN = 4
_STATUSES = {
    Status.AFFIRMED: Assertion.AFFIRMED,
    Status.NEGATED: Assertion.NEGATED,
    Status.RELATIVE: Assertion.FAMILY,
    Status.ASKED: Assertion.ASKED,
    Status.PAST: Assertion.PAST,
    Status.UNCERTAIN: Assertion.POSSIBLE,
}
_STANDS = frozenset(
    {
        EntityCategory.SYMPTOM,
        EntityCategory.DIAGNOSIS,
        EntityCategory.MEDICATION,
        EntityCategory.MEDICATION_CLASS,
        EntityCategory.EXAMINATION,
        EntityCategory.TREATMENT,
        EntityCategory.SUBSTANCE,
        EntityCategory.ALLERGEN,
    }
)
"""What can be denied or supposed; a dose, a time or a relative is as its medicine, symptom or illness is."""

_DOUBTED = frozenset({EntityCategory.SYMPTOM, EntityCategory.DIAGNOSIS, EntityCategory.ALLERGEN})
_OFFERED = frozenset({EntityCategory.SYMPTOM, EntityCategory.DIAGNOSIS, EntityCategory.SUBSTANCE, EntityCategory.BODY})
_DENIALS = frozenset({"negates", "negates_verb", "negates_next"})
_GIVEN = frozenset(
    {
        EntityCategory.MEDICATION,
        EntityCategory.MEDICATION_CLASS,
        EntityCategory.TREATMENT,
        EntityCategory.SUBSTANCE,
    }
)
"""What one may ask to be given: "can I take …?"."""


class Standing:
    """The cues of one utterance; judges each of its mentions."""

    def __init__(self, spoken: Spoken, role: Role, language: str, named: Sequence[tuple[int, int]] = ()) -> None:
        """`named`: first and last tokens of mentions; a denial inside one ("sem energia") denies nothing else."""
        self._spoken = spoken
        self._tokens = spoken.tokens
        self._role = role
        self._cues: defaultdict[str, list[Match]] = defaultdict(list)
        scope_cues = []
        for match in cue_lexicon(language).find(spoken.tokens):
            kind, _, name = match.name.partition(".")
            if name in _DENIALS and any(first <= match.first and match.last <= last for first, last in named):
                continue
            if kind == "scope":
                scope_cues.append(match._replace(name=name))
            else:
                self._cues[name].append(match)
        self.scope = Scope(spoken, scope_cues, role)

    def judge(self, first: int, last: int, category: EntityCategory) -> Assertion:
        """Return how the mention from token `first` to `last` was meant."""
        mention = Match("", first, last)
        if category not in _STANDS:
            asks = self._tokens[first].sentence in self.scope.questions or self._offered(mention, category)
            return Assertion.ASKED if asks and category is not EntityCategory.FAMILY else Assertion.AFFIRMED
        status = _STATUSES[self.scope.judge(mention)]
        if status is not Assertion.NEGATED and self.denied(mention):
            return Assertion.NEGATED
        if status is Assertion.ASKED and (self._asked_about(mention) or self._planned(mention)):
            return Assertion.AFFIRMED
        if status is Assertion.AFFIRMED and self._near(mention, "supposed", POSSIBLE_WITHIN):
            return Assertion.SUPPOSED
        if status is Assertion.AFFIRMED and self._asks(mention, category):
            return Assertion.ASKED
        if status is Assertion.AFFIRMED and category in _DOUBTED and self._near(mention, "possible", POSSIBLE_WITHIN):
            return Assertion.POSSIBLE
        over = self._near(mention, "past", PAST_WITHIN) or self._was_done(mention, category)
        if status is Assertion.AFFIRMED and over:
            return Assertion.PAST
        return status

    def denied(self, mention: Match) -> bool:
        """Tell whether a cue before or after `mention` denies it."""
        if any(self._next_denied(cue, mention) for cue in self._cues["negates_next"]) or self._denied_at_end(mention):
            return True
        before = any(
            cue.last < mention.first <= cue.last + DENIED_WITHIN + 1
            and self.scope.same_sentence(cue, mention)
            and not any(self._tokens[i].pause for i in range(cue.last, mention.first))
            and self.scope.holds(cue.last + 1, mention)
            for cue in self._cues["negates"]
        )
        return (
            before
            or self.scope.negated(mention)
            or any(
                cue.first == mention.last + 1 and self.scope.same_sentence(cue, mention)
                for cue in self._cues["negates_after"]
            )
        )

    def _next_denied(self, cue: Match, mention: Match) -> bool:
        """Tell whether `cue` denies the word after it and that begins `mention`: "não fumo"."""
        return cue.last + 1 == mention.first and not self._tokens[cue.last].pause

    def _denied_at_end(self, mention: Match) -> bool:
        """Tell whether the clause of `mention` ends with a denial: "loperamida em criança não", "amarelo não fiquei".

        Not with one of what goes on: "a dor não passa".
        """
        if self._tokens[mention.last].pause:
            return False
        denials = {cue.first for cue in self._cues["negates_end"]}
        ceasing = {cue.first for cue in self._cues["ceases"]}
        for i in range(mention.last + 1, min(mention.last + DENIED_WITHIN, len(self._tokens) - 1) + 1):
            if self.scope.breaks_at(i):
                return False
            if i in denials:
                return self._ends(i) or (i + 1 not in ceasing and i + 1 < len(self._tokens) and self._ends(i + 1))
            if self._tokens[i].pause:
                return False
        return False

    def _ends(self, i: int) -> bool:
        """Tell whether a clause ends with token `i`."""
        return self._tokens[i].pause or self.scope.breaks_at(i + 1)

    def _asks(self, mention: Match, category: EntityCategory) -> bool:
        """Tell whether a question has no mark ("a senhora caiu"), or asks for something ("can I take …?")."""
        sentence = self._tokens[mention.first].sentence
        first = next(i for i, token in enumerate(self._tokens) if token.sentence == sentence)
        if self._role is Role.CLINICIAN and any(cue.first == first for cue in self._cues["asks"]):
            return True
        if self._offered(mention, category) and not self._planned(mention):
            return True
        ends = mention.last + 1 == len(self._tokens) or self._tokens[mention.last + 1].sentence != sentence
        wanted = category in _GIVEN or (category is EntityCategory.DIAGNOSIS and ends)
        return wanted and sentence in self._spoken.questions and not self._asked_about(mention)

    def _offered(self, mention: Match, category: EntityCategory) -> bool:
        """Tell whether the clinician names it beside another: "febre ou tosse", which asks, with a mark or without."""
        return self._offers(mention) and self._role is Role.CLINICIAN and category in _OFFERED

    def _offers(self, mention: Match) -> bool:
        return any(self.scope.same_sentence(cue, mention) for cue in self._cues["offers"])

    def _planned(self, mention: Match) -> bool:
        """Tell whether it follows what the clinician means to do, in no question: "vou pedir …"."""
        asked = self._tokens[mention.first].sentence in self._spoken.questions
        return not asked and self._near(mention, "plans", PLANNED_WITHIN)

    def _asked_about(self, mention: Match) -> bool:
        """Tell whether a question takes `mention` for granted: "como é essa dor?", "toma algo pra azia?".

        Not what it offers farther on: "como é essa dor, aperta ou queima?".
        """
        if any(cue.last + 1 == mention.first for cue in self._cues["purpose"]):
            return True
        first = next(
            i for i, token in enumerate(self._tokens) if token.sentence == self._tokens[mention.first].sentence
        )
        return any(
            cue.first >= first
            and cue.last < mention.first
            and (mention.first - cue.last <= GRANTED_WITHIN or not self._offers(mention))
            and (cue.first <= first + 1 or self._tokens[cue.first - 1].pause)
            for cue in self._cues["open_questions"]
        )

    def _was_done(self, mention: Match, category: EntityCategory) -> bool:
        """Tell whether the words of a treatment say that it is over: "operei a vesícula"."""
        inside = any(mention.first <= cue.first and cue.last <= mention.last for cue in self._cues["past"])
        return category is EntityCategory.TREATMENT and inside

    def normal(self, mention: Match) -> bool:
        """Tell whether `mention` is said to be well: "a visão está normal"."""
        return any(
            0 < cue.first - mention.last <= NORMAL_WITHIN and self.scope.same_sentence(cue, mention)
            for cue in self._cues["normal_after"]
        )

    def answer(self, mentions: Iterable[tuple[int, int]] = ()) -> Assertion | None:
        """Return whether the utterance opens as a yes or a no; not if it opens with one of `mentions` (characters)."""
        mentions = list(mentions)
        if any(start <= self._tokens[0].start < end for start, end in mentions):
            return None
        if self._opens("unsure"):
            return None
        status = self.scope.answer()
        opens_no = status is Status.NEGATED or self._opens("no") or self._says_no(mentions)
        opens_yes = status is Status.AFFIRMED or self._opens("yes")
        if opens_no:
            return Assertion.NEGATED
        closes_yes = any(cue.last == len(self._tokens) - 1 for cue in self._cues["yes_last"])
        return Assertion.AFFIRMED if opens_yes or closes_yes else None

    def _says_no(self, mentions: Sequence[tuple[int, int]]) -> bool:
        """Tell whether the first word is a no to all that was asked: "não tive", not "não tive febre"."""
        if not any(cue.first == 0 for cue in self._cues["no_first"]):
            return False
        if self._tokens[0].pause:
            return True
        near = self._tokens[min(DENIED_WITHIN, len(self._tokens) - 1)]
        sentence = self._tokens[0].sentence
        ends = max(token.end for token in self._tokens if token.sentence == sentence and token.start <= near.start)
        return not any(start < ends for start, _ in mentions)

    def singles_out(self) -> bool:
        """Tell whether the utterance names some things and leaves out the others: "só tosse"."""
        return bool(self._cues["only"])

    def cues(self, name: str) -> Iterable[Match]:
        """Return where a cue of [assertion] was said."""
        return self._cues[name]

    def _opens(self, name: str) -> bool:
        return any(cue.first <= 1 for cue in self._cues[name])

    def _near(self, mention: Match, name: str, within: int) -> bool:
        return any(
            cue.last < mention.first <= cue.last + within and self.scope.same_sentence(cue, mention)
            for cue in self._cues[name]
        )
