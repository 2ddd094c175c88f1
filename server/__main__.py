"""The command line: `python -m server COMMAND`, also installed as `escuta`."""

from __future__ import annotations

import argparse
import importlib
import sys

from . import __version__
from .model.errors import EscutaError

COMMANDS = ("serve", "token", "replay", "recover", "journal", "doctor")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status. An expected error is one sentence on stderr and status 1."""
    given = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(
        prog="escuta", description="Two-party video consultations that are heard, written down and provable."
    )
    parser.add_argument("--version", action="version", version=f"escuta {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    # Commands import what they need when they run, so that --help is quick.
    modules = {name: importlib.import_module(f"server.commands.{name}") for name in COMMANDS}
    for name, module in modules.items():
        subparser = subparsers.add_parser(name, help=module.HELP, description=module.HELP)
        module.add_arguments(subparser)
    parsed = parser.parse_args(given)
    try:
        return int(modules[parsed.command].run(parsed))
    except EscutaError as error:
        sys.stderr.write(f"escuta {parsed.command}: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
