"""How fast a model reads: `python -m server.speech.measure.pace` takes options from standard input, prints JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from ...child import take_output
from ...logs import configure_logs
from ...model.errors import SpeechUnavailable
from ..capacity import Pace
from ..options import ProviderOptions
from ..providers.faster_whisper import WhisperRecogniser
from ..recogniser import Request
from .sound import for_model, read_sound

SAMPLE = Path(__file__).with_name("sample_pt.ogg")
"""4 s of somebody reading a sentence aloud in Portuguese."""
_TIMES = 3


def measure(recogniser: WhisperRecogniser) -> Pace:
    """Return how fast a loaded model reads; of several tries the quickest, which the least else disturbed. Blocks."""
    samples = for_model(read_sound(SAMPLE))
    interim, final = (Request(samples, "pt", final) for final in (False, True))
    final_s = _quickest_s(lambda: recogniser.recognise(final))
    each_s = final_s
    if recogniser.most > 1:
        batch = [final] * recogniser.most
        each_s = min(final_s, _quickest_s(lambda: recogniser.recognise_batch(batch)) / len(batch))
    return Pace(_quickest_s(lambda: recogniser.recognise(interim)), final_s, each_s)


def _quickest_s(read: Callable[[], object]) -> float:
    took_s = []
    for _ in range(_TIMES):
        began_s = time.perf_counter()
        read()
        took_s.append(time.perf_counter() - began_s)
    return min(took_s)


def main() -> int:
    """Load, measure, print; return the exit status."""
    configure_logs("error", "json")
    answers = os.fdopen(take_output(), "w")
    recogniser = WhisperRecogniser(ProviderOptions.model_validate_json(sys.stdin.buffer.read()))
    try:
        recogniser.load()
    except SpeechUnavailable as error:
        json.dump({"failed": str(error)}, answers)
        return 1
    pace = measure(recogniser)
    json.dump({"model": recogniser.model, "device": recogniser.device, **_seconds(pace)}, answers)
    answers.close()
    return 0


def _seconds(pace: Pace) -> dict[str, float]:
    return {name: round(getattr(pace, name), 3) for name in ("interim_s", "final_s", "each_s")}


if __name__ == "__main__":
    sys.exit(main())
