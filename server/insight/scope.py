"""What a speaker says about a thing: that it is there, that it isn't, that it's someone else's, or only asks.

Cues come from the `[scope]` table of a knowledge file. Source of the method: NegEx (Chapman et al. 2001), with
breaks for the comma-less lists that speech recognition writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from ..model.consultation import Role
from .phrases import Match
from .text import Spoken

REACH = 12
"""Words over which a negation at most holds."""
VERB_WITHIN = 2
"""Words from a "não" to the verb it denies."""
NEAR = 3
CUES = (
    "negates",
    "negates_verb",
    "negated_verbs",
    "answers_no",
    "answers_yes",
    "nothing_after",
    "breaks",
    "resumes",
    "first_person",
    "relatives",
    "relatives_after",
    "uncertain",
    "past",
    "present",
    "question_starts",
)


class Status(StrEnum):
    """How a thing was mentioned."""

    AFFIRMED = "affirmed"
    NEGATED = "negated"
    RELATIVE = "relative"
    ASKED = "asked"
    PAST = "past"
    UNCERTAIN = "uncertain"


class Scope:
    """The cues of one utterance; judges each of its mentions."""

    def __init__(self, spoken: Spoken, cues: Sequence[Match], role: Role) -> None:
        self._spoken = spoken
        self._tokens = spoken.tokens
        self._cues: dict[str, list[Match]] = {name: [] for name in CUES}
        for cue in cues:
            self._cues[cue.name].append(cue)
        # "Tem dor" asks when the clinician says it and states when the patient does.
        starts = {cue.first for cue in self._cues["question_starts"] if role is Role.CLINICIAN}
        first_of_sentence: dict[int, int] = {}
        for index, token in enumerate(self._tokens):
            first_of_sentence.setdefault(token.sentence, index)
        self.questions = spoken.questions | {
            sentence for sentence, index in first_of_sentence.items() if index in starts
        }

    def judge(self, mention: Match) -> Status:
        """Return how `mention` was meant."""
        if self.negated(mention):
            return Status.NEGATED
        if self._of_relative(mention):
            return Status.RELATIVE
        if self._is_past(mention):
            return Status.PAST
        if self._before(mention, "uncertain"):
            return Status.UNCERTAIN
        asks = self._tokens[mention.first].sentence in self.questions
        if asks and not self.speaks_of_self(mention):
            return Status.ASKED
        return Status.AFFIRMED

    def negated(self, mention: Match) -> bool:
        """Tell whether a negation holds over `mention`."""
        return (
            any(self._direct_reaches(cue, mention) for cue in self._outside("negates", mention))
            or any(self._verb_reaches(cue, mention) for cue in self._outside("negates_verb", mention))
            or self._denied_after(mention)
        )

    def answer(self) -> Status | None:
        """Return whether the utterance opens as a yes (AFFIRMED) or a no (NEGATED)."""
        opens_no = any(cue.first <= 1 for cue in self._cues["answers_no"])
        opens_yes = any(cue.first <= 1 for cue in self._cues["answers_yes"])
        if opens_no:
            return None if opens_yes else Status.NEGATED
        denies = any(cue for name in ("negates", "negates_verb") for cue in self._cues[name])
        return Status.AFFIRMED if opens_yes and not denies else None

    def asks_about_relatives(self) -> bool:
        """Tell whether a relative, or the family, comes up in a question."""
        cues = self._cues["relatives"] + self._cues["relatives_after"]
        return any(self._tokens[cue.first].sentence in self.questions for cue in cues)

    def speaks_of_self(self, mention: Match) -> bool:
        """Tell whether the speaker comes before `mention` in its sentence: "I have", "estou com"."""
        return self._before(mention, "first_person", REACH)

    def same_sentence(self, a: Match, b: Match) -> bool:
        """Tell whether two mentions stand in one sentence."""
        return self._tokens[a.first].sentence == self._tokens[b.first].sentence

    def breaks_at(self, i: int) -> bool:
        """Tell whether a new clause begins at token `i`: "mas", "only"."""
        return any(cue.first == i for cue in self._cues["breaks"])

    def _outside(self, name: str, mention: Match) -> list[Match]:
        return [cue for cue in self._cues[name] if cue.last < mention.first and self.same_sentence(cue, mention)]

    def _direct_reaches(self, cue: Match, mention: Match) -> bool:
        """Tell whether "sem", "no" and the like reach `mention`; "no, …" and "no I have …" only answer."""
        is_answer = any(no.first == cue.first for no in self._cues["answers_no"])
        speaker_next = any(person.first == cue.last + 1 for person in self._cues["first_person"])
        if is_answer and (self._tokens[cue.last].pause or speaker_next):
            return False
        return self.holds(cue.last + 1, mention)

    def _verb_reaches(self, cue: Match, mention: Match) -> bool:
        """Tell whether "não" and the like reach `mention` by way of a verb: "não tenho …", "não passa …" doesn't."""
        for verb in self._cues["negated_verbs"]:
            if cue.last < verb.first <= min(cue.last + VERB_WITHIN, mention.first):
                joined = not any(self._tokens[i].pause for i in range(cue.last, verb.first))
                return joined and self.holds(min(verb.last + 1, mention.first), mention)
        return False

    def holds(self, start: int, mention: Match) -> bool:
        """Tell whether a negation over token `start` still holds at `mention`."""
        if mention.first - start > REACH:
            return False
        between = range(start, mention.first)
        if any(cue.first in between and cue.last in between for cue in self._cues["breaks"]):
            return False
        if any(start < cue.first <= mention.first for cue in self._cues["first_person"]):
            return False
        return not any(
            start < cue.first <= mention.first and self._tokens[cue.first - 1].pause for cue in self._cues["resumes"]
        )

    def _denied_after(self, mention: Match) -> bool:
        """Tell whether a denial follows: "febre não", "diabetes eu não tenho"."""
        after = mention.last + 1
        if any(cue.first == after for cue in self._cues["nothing_after"]) and not self._tokens[mention.last].pause:
            return True
        return any(
            after <= cue.first <= after + 1 and self.same_sentence(cue, mention) and self._closes(cue)
            for cue in self._cues["answers_no"]
        )

    def _closes(self, cue: Match) -> bool:
        """Tell whether a clause ends with `cue`, or with the verb that it denies."""
        ends = [verb.last for verb in self._cues["negated_verbs"] if verb.first == cue.last + 1]
        return any(self._tokens[end].pause for end in (cue.last, *ends))

    def _of_relative(self, mention: Match) -> bool:
        for cue in self._outside("relatives", mention):
            broken = any(cue.last < p.first <= mention.first for p in self._cues["first_person"])
            if not broken and mention.first - cue.last <= REACH:
                return True
        return any(
            0 < cue.first - mention.last <= NEAR and self.same_sentence(cue, mention)
            for cue in self._cues["relatives_after"]
        )

    def _before(self, mention: Match, name: str, reach: int = 6) -> bool:
        return any(
            mention.first - cue.last <= reach
            for cue in self._cues[name]
            if cue.first <= mention.first and self.same_sentence(cue, mention)
        )

    def _is_past(self, mention: Match) -> bool:
        """Tell whether this or the sentence before speaks of long ago, and this one not of now."""
        sentence = self._tokens[mention.first].sentence
        if any(self._tokens[cue.first].sentence == sentence for cue in self._cues["present"]):
            return False
        return any(
            0 <= sentence - self._tokens[cue.first].sentence <= 1 and not mention.first <= cue.first <= mention.last
            for cue in self._cues["past"]
        )
