"""Dialogues whose voices leak into each other's microphone, and how much of them is captioned twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import jiwer
import numpy as np

from ...model.audio import OPUS_CLOCK_HZ
from ...settings import Settings
from ..port import StreamOptions
from ..scoring import Heard, Turn, normalized
from ..service import SpeechService
from . import sound
from .figures import Samples
from .live import play, until_ready
from .pieces import Piece
from .run import TAIL_S, Truth, add, turns_of

_NEAR_S = 1.5


def leaking(piece: Piece, level_db: float, delay_ms: float) -> Piece:
    """Return `piece` with all other voices in each microphone, so loud and so much later."""
    late, gain = round(delay_ms * OPUS_CLOCK_HZ / 1000), 10 ** (level_db / 20)
    length = max(len(one) for one in piece.sounds.values()) + late
    placed = {speaker: np.pad(one, (0, length - len(one))).astype(np.float64) for speaker, one in piece.sounds.items()}
    mixed = {}
    for speaker, own in placed.items():
        others = sum((other for name, other in placed.items() if name != speaker), np.zeros(length))
        heard = own + gain * np.concatenate([np.zeros(late), others])[:length]
        mixed[speaker] = heard.clip(-32_768, 32_767).astype(np.int16)
    return replace(piece, sounds=mixed)


def doubled_words(heard: Heard, own: Sequence[Turn], others: Sequence[Turn]) -> int:
    """Return how many words of a channel's finals are not its own but were said by others within 1.5 s."""
    finals = sorted((final for _, final in heard.finals), key=lambda final: final.start_s)
    shown = [(word, final) for final in finals for word in normalized(final.text).split()]
    if not shown:
        return 0
    foreign = set(range(len(shown)))
    said = " ".join(normalized(turn.text) for turn in own)
    if said:
        for chunk in jiwer.process_words(said, " ".join(word for word, _ in shown)).alignments[0]:
            if chunk.type == "equal":
                foreign -= set(range(chunk.hyp_start_idx, chunk.hyp_end_idx))
    count = 0
    for place in foreign:
        word, final = shown[place]
        near = [one for one in others if final.start_s - _NEAR_S < one.end_s and one.start_s < final.end_s + _NEAR_S]
        count += any(word in normalized(turn.text).split() for turn in near)
    return count


async def run_leaks(
    settings: Settings, pieces: Sequence[Piece], level_db: float, delays_ms: Sequence[float | None]
) -> list[dict[str, Any]]:
    """Play `pieces` with leakage, None: clean, heard as strangers and as one room; return figures of each.

    Raises:
        SpeechUnavailable: If the model cannot be loaded.
    """
    service = SpeechService(settings)
    await service.start()
    try:
        await until_ready(service)
        rows = []
        for delay_ms in delays_ms:
            played = pieces if delay_ms is None else [leaking(piece, level_db, delay_ms) for piece in pieces]
            for together in (False, True):
                rows.append({"delay_ms": delay_ms, "together": together, **await _play(service, played, together)})
        return rows
    finally:
        await service.aclose()


async def _play(service: SpeechService, pieces: Sequence[Piece], together: bool) -> dict[str, Any]:
    samples, doubled = Samples(), 0
    for piece in pieces:
        tracks = [sound.opus_packets(channel) for channel in piece.sounds.values()]
        options = StreamOptions(language=piece.language, room=piece.name if together else "")
        heard = dict(
            zip(piece.sounds, await play(service, tracks, [options] * len(tracks), tail_s=TAIL_S), strict=True)
        )
        add(samples, piece, heard, Truth())
        doubled += _doubled(piece, heard)
    figures = samples.summary()
    kept = ("word_error_rate", "words_outside_turns", "first_interim_s", "final_s")
    return {"doubled_words": doubled, **{name: figures[name] for name in kept}}


def _doubled(piece: Piece, heard: Mapping[str, Heard]) -> int:
    turns = {speaker: turns_of(piece, speaker) for speaker in piece.sounds}
    return sum(
        doubled_words(what, turns[speaker], [turn for name in turns if name != speaker for turn in turns[name]])
        for speaker, what in heard.items()
    )


def leak_table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table: each cell without and with what tells the voices apart."""
    lines = [
        "| leak after | doubled words | words outside turns | word error rate | final p50 / p95 |",
        "|---|---|---|---|---|",
    ]
    for apart, together in zip(rows[::2], rows[1::2], strict=True):
        after = "no leak" if apart["delay_ms"] is None else f"{apart['delay_ms']:g} ms"
        counts = [f"{apart[key]} → {together[key]}" for key in ("doubled_words", "words_outside_turns")]
        rate = " → ".join(f"{100 * row['word_error_rate']:.1f} %" for row in (apart, together))
        final = " → ".join(f"{row['final_s']['p50']:.2f} / {row['final_s']['p95']:.2f} s" for row in (apart, together))
        lines.append(f"| {after} | {' | '.join(counts)} | {rate} | {final} |")
    return "\n".join(lines) + "\n"
