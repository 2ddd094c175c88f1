"""`python -m server.recording FOLDER`: what `finalize` runs. Prints the manifest, or the error, as JSON."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from ..model.errors import EscutaError
from .render import finalize_now

_LOWEST_PRIORITY = 19


def main() -> int:
    """Finalize the folder named on the command line; return the exit status."""
    os.nice(_LOWEST_PRIORITY)
    os.umask(0o077)
    try:
        answer, status = finalize_now(Path(sys.argv[1])).model_dump_json(), 0
    except EscutaError as error:
        answer, status = json.dumps({"code": error.code, "message": str(error)}), 1
    sys.stdout.write(answer)
    return status


if __name__ == "__main__":
    sys.exit(main())
