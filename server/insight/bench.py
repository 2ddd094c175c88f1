"""How well consultations are understood without a model, as a table or JSON. See --help."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from .entities.extract import extract
from .entities.mentions import automaton, prepare
from .languages import LANGUAGES
from .measure.advice_score import latency, red_flags
from .measure.consultations import Consultation, consultations
from .measure.entity_score import BEFORE, Score, of_note, score, share
from .measure.report_score import reports

ROOT = Path(__file__).resolve().parents[2]
DEFAULT = (
    ROOT / "../shared/speech/pt_consultation",
    ROOT / "tests/fixtures/recognised",
    ROOT / "tests/fixtures/dialogues",
    ROOT / "../shared/consultation_text/primock57",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="scripts/bench-insight", description=__doc__)
    parser.add_argument(
        "folders", nargs="*", type=Path, metavar="DIR", help="holds consultations (default: what is at hand)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--wrong", action="store_true", help="list everything that went wrong")
    options = parser.parse_args(arguments)
    folders = options.folders or [folder for folder in DEFAULT if folder.is_dir()]
    results = {str(folder.resolve()): measured(folder) for folder in folders}
    if options.json:
        sys.stdout.write(json.dumps(results, ensure_ascii=False, indent=1) + "\n")
        return 0
    for folder, result in results.items():
        sys.stdout.write(table(folder, result, wrong=options.wrong))
    return 0


def measured(folder: Path) -> dict[str, object]:
    """Return everything that can be said of the consultations in `folder`."""
    held = list(consultations(folder))
    result: dict[str, object] = {"consultations": len(held)}
    for language in LANGUAGES:
        total = Score()
        of_language = [one for one in held if one.marked and one.language == language]
        for one in of_language:
            score(one, total)
        if of_language:
            result[language] = total.summary()
    if noted := [one for one in held if one.note]:
        result["notes"] = _notes(noted)
    if flagged := [one for one in held if one.red_flags is not None]:
        result["red_flags"] = red_flags(flagged).summary()
    if held:
        result["report"] = reports(held)
        result["cost"] = cost(held)
        result["tips"] = latency(held)
    return result


def _notes(held: Sequence[Consultation]) -> dict[str, object]:
    noted, missed = 0, Counter[str]()
    for one in held:
        concepts, uncovered = of_note(one)
        noted += len(concepts)
        missed.update(uncovered)
    return {"concepts": noted, "recall": share(noted - missed.total(), noted), "missed": dict(missed.most_common())}


def cost(held: Sequence[Consultation]) -> dict[str, float]:
    """Return milliseconds of processor time for an utterance, and for compiling the vocabularies."""
    began = time.process_time()
    for language in LANGUAGES:
        automaton.__wrapped__(language)
        prepare(language)
    compiled = time.process_time() - began
    spent = []
    words = 0
    for one in held:
        for i, utterance in enumerate(one.utterances):
            began = time.process_time()
            extract(utterance.model_copy(update={"id": f"again-{i}"}), one.utterances[max(0, i - BEFORE) : i])
            spent.append((time.process_time() - began) * 1000)
            words += len(utterance.text.split())
    cuts = statistics.quantiles(spent, n=100) if len(spent) > 1 else spent * 99
    return {
        "utterances": len(spent),
        "words": words,
        "p50_ms": round(cuts[49], 2),
        "p95_ms": round(cuts[94], 2),
        "max_ms": round(max(spent), 2),
        "compile_s": round(compiled, 2),
    }


def table(folder: str, result: dict[str, object], *, wrong: bool) -> str:
    """Return `result` to be read."""
    lines = [f"{folder}: {result['consultations']} consultations"]
    for language in LANGUAGES:
        summary = result.get(language)
        if not isinstance(summary, dict):
            continue
        lines.append(f"  {language:18} precision  recall      F1  marked")
        for name, row in summary["entities"].items():
            lines.append(
                f"  {name:18} {row['precision']:9.2f} {row['recall']:7.2f} {row['f1']:7.2f} {row['marked']:7.0f}"
            )
        lines.append(f"  assertion {summary['assertion']:.3f} of {summary['assertions_judged']}")
        lines += [f"    {one}" for one in summary["wrong"]] if wrong else []
    for name in ("notes", "report", "red_flags", "cost", "tips"):
        if isinstance(part := result.get(name), dict):
            shown = {key: value for key, value in part.items() if wrong or not isinstance(value, dict | list)}
            lines.append(f"  {name}: {json.dumps(shown, ensure_ascii=False)}")
    return "\n".join(lines) + "\n\n"


if __name__ == "__main__":
    sys.exit(main())
