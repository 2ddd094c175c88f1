"""What an export costs those who don't ask for one: nothing."""

from __future__ import annotations

import subprocess
import sys


def test_the_libraries_of_exports_are_loaded_by_the_first_export_alone() -> None:
    loaded = "import sys, server.web.routes; print(sorted({'reportlab', 'fhir', 'PIL'} & sys.modules.keys()))"
    run = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
