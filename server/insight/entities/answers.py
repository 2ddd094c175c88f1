"""What an answer settles of its question: "tem febre ou tosse?", "febre não"."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.entities import Assertion, Entity, EntityCategory
from ...model.transcript import Utterance
from ..phrases import Match
from ..text import Spoken
from .mentions import automaton
from .spelling import verb_root
from .standing import Standing

ALLERGY = "allergy"
MAX_BETWEEN = 2
"""Utterances of the answering person that may lie between a question and this one."""
_SHORT = 3
"""Words up to which an utterance in between is taken for a listener's noise."""
SHORTEST_WORD = 3
_SHORTEST_STEM = 4
_NEAR_RELATIVE = 20
"""Letters from a relative to the illness that is theirs."""
_FIRST_PERSON = ("o", "ei", "i")
"""How the Portuguese first person ends."""
_ECHOED = 2
_SETTLED = frozenset(
    {
        EntityCategory.SYMPTOM,
        EntityCategory.DIAGNOSIS,
        EntityCategory.MEDICATION,
        EntityCategory.MEDICATION_CLASS,
        EntityCategory.EXAMINATION,
        EntityCategory.TREATMENT,
        EntityCategory.SUBSTANCE,
        EntityCategory.ALLERGEN,
        EntityCategory.BODY,
    }
)

_TELLS = {
    EntityCategory.MEDICATION: (EntityCategory.DOSAGE, EntityCategory.FREQUENCY),
    EntityCategory.MEDICATION_CLASS: (EntityCategory.DOSAGE, EntityCategory.FREQUENCY),
    EntityCategory.EXAMINATION: (EntityCategory.MEASUREMENT,),
    EntityCategory.SUBSTANCE: (EntityCategory.SUBSTANCE,),
}
"""What an answer says only of something that there is."""


def question(utterance: Utterance, before: Sequence[Utterance]) -> Utterance | None:
    """Return the other's last utterance, if nothing but a listener's noise came between."""
    for said in reversed(before[-MAX_BETWEEN:]):
        if said.role is not utterance.role:
            return said
        if len(said.text.split()) > _SHORT:
            return None
    return None


def is_allergy(normal: str) -> bool:
    """Tell whether a concept is being allergic, to whatever."""
    return normal == ALLERGY


def asks_of_allergy(asked: Sequence[Entity], standing: Standing) -> bool:
    """Tell whether a question was about allergies, or about one when the answer is "only …"."""
    open_ones = [one for one in asked if one.assertion is Assertion.ASKED]
    named = any(one.category is EntityCategory.ALLERGEN for one in open_ones)
    return any(is_allergy(one.normal) for one in open_ones) or (named and standing.singles_out())


def taken_into_account(
    entities: tuple[Entity, ...],
    asked: Sequence[Entity],
    spoken: Spoken,
    standing: Standing,
    answer_id: str,
    language: str,
    asked_words: frozenset[str],
) -> tuple[Entity, ...]:
    """Return the answer's entities, and those of the question that it settles."""
    open_ones = [one for one in asked if one.assertion is Assertion.ASKED and one.category in _SETTLED]
    if standing.scope.asks_about_relatives() or _asks_of_relatives(asked):
        entities = tuple(_of_relative(one) for one in entities)
    if standing.answer() is Assertion.NEGATED:
        entities = tuple(_of_child(one, entities) for one in entities)
    settled = []
    for one in open_ones:
        assertion = _settles(one, open_ones, entities, spoken, standing, language, asked_words)
        if assertion is not None:
            settled.append(one.model_copy(update={"assertion": assertion, "answer_id": answer_id}))
    return entities + tuple(settled)


def _asks_of_relatives(asked: Sequence[Entity]) -> bool:
    return any(one.category is EntityCategory.FAMILY for one in asked) and any(
        one.assertion in (Assertion.ASKED, Assertion.FAMILY)
        for one in asked
        if one.category is EntityCategory.DIAGNOSIS
    )


def _of_relative(one: Entity) -> Entity:
    related = one.category is EntityCategory.DIAGNOSIS and one.assertion is Assertion.AFFIRMED
    return one.model_copy(update={"assertion": Assertion.FAMILY}) if related else one


def _of_child(one: Entity, entities: Sequence[Entity]) -> Entity:
    """Return `one` as a relative's if a relative is named before it: "eu não, mas meu filho tem asma"."""
    named = any(
        said.category is EntityCategory.FAMILY and 0 <= one.start - said.end <= _NEAR_RELATIVE for said in entities
    )
    return _of_relative(one) if named else one


def _settles(
    one: Entity,
    open_ones: Sequence[Entity],
    entities: Sequence[Entity],
    spoken: Spoken,
    standing: Standing,
    language: str,
    asked_words: frozenset[str],
) -> Assertion | None:
    """Return what the answer says of `one`, None if nothing."""
    if is_allergy(one.normal) and any(said.category is EntityCategory.ALLERGEN for said in entities):
        return Assertion.AFFIRMED
    answer = standing.answer((said.start, said.end) for said in entities)
    for said in entities:
        if said.assertion is Assertion.FAMILY and answer is Assertion.NEGATED:
            continue
        if (
            (said.normal == one.normal or _more_of(one, said, language))
            and said.category is one.category
            and said.assertion is not Assertion.ASKED
        ):
            return said.assertion
    in_words = _by_its_words(one, spoken, standing, language)
    if in_words is not None:
        return in_words
    if answer is Assertion.NEGATED:
        return Assertion.NEGATED
    if one.category is EntityCategory.BODY:
        return None
    if answer is None and _echoes(spoken, asked_words):
        answer = Assertion.AFFIRMED
    mentioned = any(_same_kind(one, said) and said.assertion is Assertion.AFFIRMED for said in entities)
    if mentioned and standing.singles_out():
        return Assertion.NEGATED
    alone = len({other.normal for other in open_ones if other.category is not EntityCategory.BODY}) <= 1
    told = any(said.category in _TELLS.get(one.category, ()) for said in entities)
    return Assertion.AFFIRMED if alone and (answer is Assertion.AFFIRMED or told) else None


def _more_of(one: Entity, said: Entity, language: str) -> bool:
    """Tell whether `said` has all the words of `one` ("dry cough" for "cough"), or is its symptom alone."""
    asked, answered = (set(automaton(language).content(entity.text)) for entity in (one, said))
    alone = len(answered) == 1 and any(_alike(word, *answered) for word in asked)
    return asked <= answered or alone


def _same_kind(one: Entity, said: Entity) -> bool:
    return said.category is one.category and said.normal != one.normal


def _by_its_words(one: Entity, spoken: Spoken, standing: Standing, language: str) -> Assertion | None:
    """Return what is said of `one` by a word of it alone: "sangue não vi", "a visão está normal"."""
    words = set(automaton(language).content(one.text))
    for i, token in enumerate(spoken.tokens):
        said = automaton(language).content(token.norm)
        if len(token.norm) < SHORTEST_WORD or not said or not any(_alike(word, said[0]) for word in words):
            continue
        mention = Match("", i, i)
        if standing.denied(mention) or standing.normal(mention):
            return Assertion.NEGATED
    return None


def _alike(a: str, b: str) -> bool:
    """Tell whether two stems are one word: "choro" and "chorar"."""
    if len(verb_root(a)) >= _SHORTEST_STEM and verb_root(a) == verb_root(b):
        return True
    return a == b or (min(len(a), len(b)) >= _SHORTEST_STEM and (a.startswith(b) or b.startswith(a)))


def _echoes(spoken: Spoken, asked_words: frozenset[str]) -> bool:
    """Tell whether an answer opens with the question's verb in the first person: "treme?", "tremo"."""
    first = spoken.tokens[0].norm
    return first.endswith(_FIRST_PERSON) and any(
        len(word) >= SHORTEST_WORD and first[:_ECHOED] == word[:_ECHOED] for word in asked_words
    )
