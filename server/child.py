"""Parts of this server in processes of their own: how they are started, and where they may speak."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_RUN = """
import os
import sys
from importlib import import_module
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # more of them spin between our small products, a core's sixth
sys.path.insert(0, sys.argv.pop(1))
raise SystemExit(import_module(sys.argv.pop(1)).main())
"""


def command(module: str, *arguments: str) -> tuple[str, ...]:
    """Return what runs `main()` of one of our modules, in whichever folder: relative settings mean the same there."""
    return (sys.executable, "-c", _RUN, str(Path(__file__).parents[1]), module, *arguments)


def take_output() -> int:
    """Return standard output as another descriptor, for answers alone: what libraries print goes to standard error."""
    answers = os.dup(1)
    os.dup2(2, 1)
    return answers
