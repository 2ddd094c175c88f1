"""`replay`: play recordings through a whole consultation and print what came out."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path

from ..model.consultation import Role
from ..model.errors import InvalidRequest
from ..settings import load_settings

HELP = "Play one or two recordings through a consultation in real time; print captions, tips and one JSON object."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--clinician", type=Path, required=True, metavar="A.wav", help="the clinician's voice, or both")
    parser.add_argument("--patient", type=Path, metavar="B.wav", help="the patient's voice")
    parser.add_argument("--url", help="a running server (default: start one); API_KEY and its secret must be here")
    parser.add_argument("--language", choices=("pt", "en", "auto"), help="language spoken (default: DEFAULT_LANGUAGE)")
    parser.add_argument("--reference", type=Path, metavar="R.json", help="what is really said, to score against")
    parser.add_argument("--json", action="store_true", help="print the JSON object on one line")


def run(arguments: argparse.Namespace) -> int:
    """Replay; status 0 when the consultation ran to its end."""
    return asyncio.run(_replay(arguments))


async def _replay(arguments: argparse.Namespace) -> int:
    from ..replay.player import check_playable
    from ..replay.score import read_reference
    from ..replay.session import Script, own_server, replay
    from ..web.credentials import token_authority

    settings = load_settings()
    files = {Role.CLINICIAN: arguments.clinician, Role.PATIENT: arguments.patient}
    script = Script(
        files={role: path for role, path in files.items() if path is not None},
        language=arguments.language or settings.default_language,
        turns=read_reference(arguments.reference) if arguments.reference else [],
        recordings_dir=settings.recordings_dir,
    )
    for path in script.files.values():
        if not path.exists():
            raise InvalidRequest(f"{path} does not exist: give the path of a sound file.")
        check_playable(path)
    authority = token_authority(settings)
    if arguments.url:
        result = await replay(arguments.url.rstrip("/"), authority, script, _say)
    else:
        async with own_server(_say) as url:
            result = await replay(url, authority, script, _say)
    print(json.dumps(result, ensure_ascii=False, indent=None if arguments.json else 1))
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
