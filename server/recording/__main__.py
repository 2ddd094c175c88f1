"""`python -m server.recording FOLDER`: what `finalize` runs.

Prints one JSON object a line: {"progress": 0.25} while it works, then the manifest, or {"code", "message"}.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from ..model.errors import EscutaError
from .parts import PartBeside
from .render import finalize_now

_LOWEST_PRIORITY = 19


def main() -> int:
    """Finalize the folder named on the command line; return the exit status."""
    os.nice(_LOWEST_PRIORITY)
    os.umask(0o077)
    try:
        answer, status = finalize_now(Path(sys.argv[1]), _say_progress, PartBeside).model_dump_json(), 0
    except EscutaError as error:
        answer, status = json.dumps({"code": error.code, "message": str(error)}), 1
    sys.stdout.write(answer + "\n")
    return status


def _say_progress(done: float) -> None:
    sys.stdout.write(json.dumps({"progress": round(done, 3)}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
