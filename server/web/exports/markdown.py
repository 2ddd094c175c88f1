"""A report as Markdown: CommonMark without HTML. What people wrote stays text, whatever it looks like.

Source: CommonMark 0.31, 2.4 (backslash escapes); GitHub Flavored Markdown 6.9 (extended autolinks).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .dossier import Dossier
from .sheet import Fact, Line, Part, Said, Sheet

_ANYWHERE = re.compile(r"([\\`*_{}\[\]<>&|~$^#@!])")
_AT_START = re.compile(r"^([-+=:]|\d{1,9}(?=[.)]))")
# What readers turn into links of themselves: an address, or a name that begins with www.
_LINK = re.compile(r"(?i)(?<=[a-z])(:)(?=//)|(?<=www)(\.)")


def to_markdown(dossier: Dossier) -> str:
    """Return the report as Markdown."""
    sheet = Sheet.of(dossier)
    blocks = [f"# {text(sheet.title)}", f"**{text(sheet.banner)}**", _facts(sheet.facts)]
    blocks += [_part(part, sheet) for part in sheet.parts]
    if sheet.seal:
        blocks.append(f"## {text(sheet.words.signature)}\n\n{_facts(sheet.seal)}")
    if sheet.said or sheet.confirms:
        blocks.append(_notes(sheet))
    if not sheet.signed:
        blocks.append(f"**{text(sheet.banner)}**")
    return "\n\n".join(blocks) + "\n"


def text(words: str) -> str:
    """Return one line escaped, so that it is shown as it is."""
    escaped = _LINK.sub(r"\\\g<0>", _ANYWHERE.sub(r"\\\1", words))
    start = _AT_START.match(escaped)
    if not start:
        return escaped
    # A number that would begin a list has its point escaped; any other mark itself.
    return f"{start[0]}\\{escaped[start.end() :]}" if start[0][0].isdigit() else f"\\{escaped}"


def _facts(facts: Sequence[Fact]) -> str:
    return "\n".join(f"- **{text(fact.label)}:** {text(fact.value)}" for fact in facts)


def _part(part: Part, sheet: Sheet) -> str:
    lines = "\n".join(_line(one) for one in part.lines) or text(sheet.words.nothing)
    return f"## {text(part.title)}\n\n{lines}"


def _line(one: Line) -> str:
    return " ".join((f"- {text(one.text)}", *(_mark(mark) for mark in one.marks)))


def _mark(mark: str) -> str:
    return f"\\[{mark}\\]"


def _notes(sheet: Sheet) -> str:
    lines = [f"## {text(sheet.words.said)}", ""]
    if sheet.said:
        lines += [text(sheet.words.said_note), "", *(_said(one) for one in sheet.said)]
    if sheet.confirms:
        lines.append(f"- {_mark(sheet.words.confirmed)} {text(sheet.words.confirmed_note)}")
    return "\n".join(lines)


def _said(one: Said) -> str:
    speaker = f"{one.speaker}: " if one.speaker else ""
    return f"- {_mark(one.mark)} {text(f'{speaker}“{one.quote}”' if one.quote else speaker.rstrip(' :'))}".rstrip()
