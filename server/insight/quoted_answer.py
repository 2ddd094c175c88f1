"""An answer without a model: the words that bear on a question, quoted; or that nothing was said of it."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from ..model.consultation import Role
from ..model.entities import Assertion, Entity, EntityCategory
from ..model.insight import Audience, Evidence, Tip, TipKind
from ..model.transcript import Utterance
from .entities.extract import extract
from .findings import read
from .knowledge_file import Answers, load
from .port import Dialogue
from .reasoning import NAME
from .text import fold, tokenize
from .told import language_of

MOST_QUOTES = 3
MAX_QUOTE = 220
CONCEPT, CATEGORY, WORD = 4.0, 3.0, 1.0
"""What an utterance counts for naming the thing asked about, something of its kind, and for each word in common."""
ENOUGH = 2.0
STEM = 5
SHORTEST = 4


def answer(dialogue: Dialogue, question: str) -> Tip:
    """Return the quotes that bear on `question`, at most three, in the order of speech. Pure; some milliseconds."""
    language = language_of(dialogue)
    answers = load(language).answers
    found = _best(_scores(dialogue, question, language, answers), dialogue.utterances)
    if not found:
        return nothing_said(dialogue)
    quotes = "\n".join(
        answers.quote.format(speaker=answers.speakers[one.role.value], quote=_shortened(one.text)) for one in found
    )
    return _tip(quotes, [_whole(one) for one in found])


def nothing_said(dialogue: Dialogue) -> Tip:
    """Return the answer that nothing was said of it so far."""
    return _tip(load(language_of(dialogue)).answers.not_said, [])


def _scores(dialogue: Dialogue, question: str, language: str, answers: Answers) -> dict[str, float]:
    asked = extract(Utterance(id="question", role=Role.CLINICIAN, start_s=0, end_s=0, text=question, language=language))
    concepts = {one.normal for one in asked if one.normal}
    tokens = [token.norm for token in tokenize(question).tokens]
    categories = {
        EntityCategory(category)
        for category, cues in answers.about.items()
        if any(token.startswith(fold(cue)) for token in tokens for cue in cues)
    }
    words = _meant(question, answers)
    enough_words = min(2, len(words))
    scores: defaultdict[str, float] = defaultdict(float)
    for utterance in dialogue.utterances:
        common = words & _meant(utterance.text, answers)
        if common and (len(common) >= enough_words or concepts or categories):
            scores[utterance.id] += WORD * len(common) + (1.0 if len(common) == len(words) else 0.0)
    for entity in dialogue.notes.entities:
        worth = _worth(entity, concepts, categories)
        if worth:
            scores[entity.utterance_id] = max(scores[entity.utterance_id], worth)
            if entity.answer_id:
                scores[entity.answer_id] = max(scores[entity.answer_id], worth)
    return _carried_to_answers(scores, dialogue.utterances)


def _worth(entity: Entity, concepts: Iterable[str], categories: Iterable[EntityCategory]) -> float:
    if entity.normal in concepts:
        return CONCEPT
    return CATEGORY if entity.category in categories and entity.assertion is not Assertion.ASKED else 0.0


def _carried_to_answers(scores: dict[str, float], utterances: Sequence[Utterance]) -> dict[str, float]:
    """Let what answers a question count as much as the question, and the question itself for nothing."""
    for question, reply in pairwise(utterances):
        if question.role is Role.PATIENT or reply.role is question.role or not scores.get(question.id):
            continue
        if read(question, question.language[:2] if question.language[:2] in ("pt", "en") else "en").asks:
            scores[reply.id] = max(scores.get(reply.id, 0.0), scores.pop(question.id))
    return scores


def _best(scores: dict[str, float], utterances: Sequence[Utterance]) -> list[Utterance]:
    likely = [one for one in utterances if scores.get(one.id, 0.0) >= ENOUGH]
    top = max((scores[one.id] for one in likely), default=0.0)
    ranked = sorted(
        (one for one in likely if scores[one.id] >= top - 1.0),
        key=lambda one: (one.role is Role.PATIENT, scores[one.id], one.start_s),
        reverse=True,
    )
    return sorted(ranked[:MOST_QUOTES], key=lambda one: one.start_s)


def _meant(text: str, answers: Answers) -> set[str]:
    """Return the stems of the words that carry meaning."""
    ignored = {fold(word) for word in answers.ignored}
    norms = (token.norm for token in tokenize(text).tokens)
    return {norm[:STEM] for norm in norms if len(norm) >= SHORTEST and norm not in ignored}


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_QUOTE else text[:MAX_QUOTE].rsplit(" ", 1)[0] + " …"


def _whole(one: Utterance) -> Evidence:
    return Evidence(utterance_id=one.id, quote=one.text, start_s=one.start_s, end_s=one.end_s)


def _tip(text: str, evidence: Sequence[Evidence]) -> Tip:
    return Tip(
        id=uuid.uuid4().hex,
        kind=TipKind.ANSWER,
        audience=Audience.CLINICIAN,
        text=text[:2000],
        evidence=tuple(evidence),
        model=NAME,
    )
