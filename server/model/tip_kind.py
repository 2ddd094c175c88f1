"""What a tip asks of its reader."""

from __future__ import annotations

from enum import StrEnum


class TipKind(StrEnum):
    """What a tip asks of its reader.

    `question`: something to ask the patient. `answer`: to a question that the clinician typed. `explanation`: plain
    words for the patient, who gets them once the clinician has released them.
    """

    TIP = "tip"
    RED_FLAG = "red_flag"
    QUESTION = "question"
    ACTION = "action"
    ANSWER = "answer"
    EXPLANATION = "explanation"
