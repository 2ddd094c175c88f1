"""A part of the server starts in a process of its own wherever that runs, and answers undisturbed."""

import subprocess
import sys
from pathlib import Path

from server import __version__
from server.child import command

SPEAKS = """
import os
from server.child import take_output
answers = take_output()
print("a library's word", flush=True)
os.write(answers, b"the answer")
"""


def test_a_part_is_found_from_any_folder_and_is_told_its_arguments(tmp_path: Path) -> None:
    said = subprocess.run(command("server.__main__", "--version"), cwd=tmp_path, capture_output=True, check=True)
    assert said.stdout.decode().strip() == f"escuta {__version__}"


def test_what_libraries_print_is_no_answer() -> None:
    said = subprocess.run([sys.executable, "-c", SPEAKS], capture_output=True, check=True)
    assert (said.stdout, said.stderr) == (b"the answer", b"a library's word\n")
