"""When two written words are the same one: inflected, heard alike, or a letter or two apart."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from enum import IntEnum

SHORTEST_GENDERED = 5
"""Letters from which a last a or o is taken for gender: "enjoada" is "enjoado", "coma" is not "como"."""
SHARE_WRONG = 4
"""One letter in so many may be another one."""
ONE_EDIT, TWO_EDITS = 7, 10
"""Sounds of a medicine's name from which one, and two, may be wrong."""
TERM_EDIT = 9
"""Sounds of an examination or illness from which one may be."""

_PT_PLURALS = (
    ("oes", "ao"),
    ("aes", "ao"),
    ("ais", "al"),
    ("eis", "el"),
    ("ois", "ol"),
    ("ns", "m"),
    ("res", "r"),
    ("zes", "z"),
)
_EN_PLURALS = (("ies", "y"), ("sses", "ss"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"))
_SHORTEST_PLURAL = 4


def stem(word: str, language: str) -> str:
    """Return what the inflections of a folded word have in common: number, and in Portuguese gender."""
    if len(word) >= _SHORTEST_PLURAL:
        plurals = _PT_PLURALS if language == "pt" else _EN_PLURALS
        for plural, singular in plurals:
            if word.endswith(plural) and len(word) > len(plural) + 1:
                word = word[: -len(plural)] + singular
                break
        else:
            if word.endswith("s") and not word.endswith("ss"):
                word = word[:-1]
    if language == "pt" and len(word) >= SHORTEST_GENDERED and word[-1] in "ao" and not word.endswith("ao"):
        return word[:-1]
    return word


_VERB = re.compile(r"(.{3,}?)(?:ando|endo|indo|aram|eram|iram|avam|ava|ou|ei|eu|iu|ar|er|ir|am|em|a|o|e|i)")
_CLEARLY_VERB = re.compile(r".{3,}(?:ando|endo|indo|ou|ei|eu|iu|ar|er|ir|i)")


def verb_root(word: str, *, clearly: bool = False) -> str:
    """Return what the forms of a regular Portuguese verb share; "" if `word` is none (`clearly`: by its ending)."""
    if clearly and not _CLEARLY_VERB.fullmatch(word):
        return ""
    found = _VERB.fullmatch(word)
    return found[1] if found else ""


_SOUNDS = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"ph", "f"),
        (r"[ct]h(?=[^aeiouy]|$)", "t"),
        (r"th", "t"),
        (r"rh", "r"),
        (r"^x", "s"),
        (r"sch|sh|ch|x", "s"),
        (r"sc(?=[eiy])", "s"),
        (r"c(?=[eiy])", "s"),
        (r"qu(?=[eiy])|ck|c|q", "k"),
        (r"gu(?=[ei])", "g"),
        (r"g(?=[eiy])|j", "j"),
        (r"z", "s"),
        (r"w", "v"),
        (r"h", ""),
        (r"[yei]+", "i"),
        (r"[ou]+", "u"),
        (r"m(?=[^aiu])|m$", "n"),
        (r"l(?=[^aiu])|l$", "u"),
        (r"(.)\1+", r"\1"),
    )
)


def sound(word: str) -> str:
    """Return how a folded word sounds, roughly, said by a Brazilian: "lozartana" sounds as "losartana"."""
    for pattern, replacement in _SOUNDS:
        word = pattern.sub(replacement, word)
    return word


def edits(a: str, b: str, most: int) -> int:
    """Return how many letters were added, lost, changed or swapped between `a` and `b`; `most + 1` if more."""
    if abs(len(a) - len(b)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, start=1):
        above, row = row, [i]
        for j, other in enumerate(b, start=1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        before = above
    return row[-1]


class Likeness(IntEnum):
    """How far off a word may be heard: everyday words only by their sound, names of medicines by two sounds."""

    WORD = 0
    TERM = 1
    NAME = 2


def _allowed(sounds: str, likeness: Likeness) -> int:
    if likeness is Likeness.NAME:
        return 2 if len(sounds) >= TWO_EDITS else int(len(sounds) >= ONE_EDIT)
    return int(likeness is Likeness.TERM and len(sounds) >= TERM_EDIT)


def _shortened(sounds: str, depth: int) -> Iterator[str]:
    yield sounds
    if depth:
        for i in range(len(sounds)):
            yield from _shortened(sounds[:i] + sounds[i + 1 :], depth - 1)


class Neighbours:
    """Which known words a heard one may be a mishearing of. Source of the method: SymSpell (symmetric deletion)."""

    def __init__(self, words: Mapping[str, Likeness]) -> None:
        """`words` are folded, each with how far off it may be heard."""
        index: defaultdict[str, list[str]] = defaultdict(list)
        self._known = {word: (sound(word), likeness) for word, likeness in words.items()}
        for word, (sounds, likeness) in self._known.items():
            for shorter in set(_shortened(sounds, _allowed(sounds, likeness))):
                index[shorter].append(word)
        # Tuples of strings, unlike sets, are nothing for the garbage collector to walk.
        self._index = {sounds: tuple(near) for sounds, near in index.items()}

    def of(self, heard: str, most: int = 2) -> dict[str, int]:
        """Return the nearest known words, each with how many sounds are wrong, at `most` (0: it sounds the same)."""
        sounds = sound(heard)
        depth = min(most, 2 if len(sounds) >= TWO_EDITS - 2 else int(len(sounds) >= ONE_EDIT - 1))
        candidates: set[str] = set()
        for shorter in set(_shortened(sounds, depth)):
            candidates.update(self._index.get(shorter, ()))
        near: dict[str, int] = {}
        for word in candidates:
            known, likeness = self._known[word]
            allowed, letters = min(_allowed(known, likeness), depth), max(1, len(word) // SHARE_WRONG)
            if known[0] != sounds[0] or edits(heard, word, letters) > letters:
                continue
            if (wrong := edits(sounds, known, allowed)) <= allowed:
                near[word] = wrong
        least = min(near.values(), default=0)
        return {word: wrong for word, wrong in near.items() if wrong == least}
