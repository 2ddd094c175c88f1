"""How good, how fast and how steady captions are: the command line of `scripts/bench-speech`."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..logs import configure_logs
from ..model.errors import EscutaError
from ..settings import Settings, load_settings
from .measure.endurance import run_long
from .measure.leak import leak_table, run_leaks
from .measure.page import table, write_page
from .measure.pieces import Piece, pieces_of, shared_pieces
from .measure.run import run_all
from .scoring import Heard

_REPOSITORY = Path(__file__).resolve().parents[2]
_SHARED = _REPOSITORY.parent / "shared" / "speech"


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options; ends the process where they are wrong."""
    parser = argparse.ArgumentParser(prog="bench-speech", description="accuracy, latency and cost of captions")
    parser.add_argument("path", type=Path, nargs="*", help="WAV files of one piece, a channel each, or folders")
    parser.add_argument("--reference", type=Path, help='JSON: {"turns": [{speaker, start_s, end_s, text}]}')
    parser.add_argument("--speech", type=Path, default=_SHARED, help="what is played where no path is given")
    parser.add_argument("--language", default="pt", help="of the paths; auto: detected")
    parser.add_argument("--provider", help="instead of SPEECH_PROVIDER")
    parser.add_argument("--model", help="instead of SPEECH_MODEL")
    parser.add_argument("--copies", type=int, default=1, help="play each piece so many times at once")
    parser.add_argument("--noise-s", type=float, default=0.0, help="seconds of silence, noise and music afterwards")
    parser.add_argument("--leak-db", type=float, help="how loud voices leak into each other's microphone: nothing else")
    parser.add_argument("--leak-ms", default="none,0,50,100,200", help="how much later; none: no leak")
    parser.add_argument("--minutes", type=float, help="one call of so many minutes, and its memory: nothing else")
    parser.add_argument(
        "--speed", type=float, default=1.0, help="of such a call; beyond what the machine bears, it lags"
    )
    parser.add_argument("--no-baselines", action="store_true", help="our captions alone, without times of words")
    parser.add_argument("--texts", action="store_true", help="also print what was heard, on standard error")
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of a table")
    parser.add_argument("--page", type=Path, nargs="?", const=_REPOSITORY / "docs" / "speech.md", help="write it there")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Play what `arguments` name; print the figures."""
    known = parse(arguments)
    configure_logs()
    try:
        if known.leak_db is not None:
            rows = asyncio.run(_run_leaks(known))
            sys.stdout.write(json.dumps(rows) + "\n" if known.json else leak_table(rows))
            return 0
        if known.minutes is not None:
            sys.stdout.write(json.dumps(asyncio.run(_run_long(known))) + "\n")
            return 0
        figures = asyncio.run(_run(known))
    except EscutaError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if known.page is not None:
        write_page(known.page, figures)
    sys.stdout.write(json.dumps(figures, ensure_ascii=False) + "\n" if known.json else table(figures))
    return 0


async def _pieces(known: argparse.Namespace) -> list[Piece]:
    language = "pt" if known.language == "auto" else known.language
    if known.path:
        return await asyncio.to_thread(pieces_of, known.path, known.reference, language)
    return await asyncio.to_thread(shared_pieces, known.speech)


async def _run_leaks(known: argparse.Namespace) -> list[dict[str, Any]]:
    delays_ms = [None if delay == "none" else float(delay) for delay in known.leak_ms.split(",")]
    return await run_leaks(_settings(known), await _pieces(known), known.leak_db, delays_ms)


async def _run_long(known: argparse.Namespace) -> dict[str, Any]:
    return await run_long(_settings(known), await _pieces(known), known.minutes, known.speed)


async def _run(known: argparse.Namespace) -> dict[str, Any]:
    pieces = await _pieces(known)
    return await run_all(
        _settings(known),
        pieces,
        baselines=not known.no_baselines,
        copies=known.copies,
        noise_s=known.noise_s,
        language=known.language,
        show=_show if known.texts else None,
    )


def _settings(known: argparse.Namespace) -> Settings:
    chosen = {"speech_provider": known.provider, "speech_model": known.model}
    return load_settings().model_copy(update={name: value for name, value in chosen.items() if value})


def _show(piece: Piece, heard: dict[str, Heard]) -> None:
    lines = [(final.start_s, speaker, at, final) for speaker, what in heard.items() for at, final in what.finals]
    for start_s, speaker, at, final in sorted(lines, key=lambda line: line[0]):
        sys.stderr.write(
            f"{piece.name} {start_s:6.2f}-{final.end_s:6.2f} +{at - final.end_s:.2f} {speaker}: {final.text}\n"
        )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
