"""`token`: make a join link or a service token."""

from __future__ import annotations

import argparse
import json
from typing import Any

from ..model.errors import InvalidRequest
from ..settings import load_settings

HELP = "Make a join link for one seat of a consultation, or a service token for the API."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--role", choices=("clinician", "patient", "service"), required=True, help="what it is for")
    parser.add_argument("--consultation", metavar="ID", help="which consultation (clinician and patient)")
    parser.add_argument("--identity", metavar="ID", help="who it is for, the same each time (default: the role)")
    parser.add_argument("--name", help="the name the other side sees (default: the identity)")
    parser.add_argument("--ttl", type=int, metavar="S", help="seconds it is valid (default: TOKEN_TTL_S)")
    parser.add_argument("--token", action="store_true", help="print the bare token, not the join link")
    parser.add_argument("--json", action="store_true", help="print token, link and expiry as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the link, or the token."""
    from ..web.credentials import token_authority
    from ..web.links import join_link

    identity = arguments.identity or arguments.role
    name = arguments.name or identity
    _check(arguments, identity, name)
    settings = load_settings()
    authority = token_authority(settings)
    token = authority.issue(
        identity=identity,
        name=name,
        role=arguments.role,
        consultation_id=arguments.consultation,
        ttl_s=arguments.ttl,
    )
    link = None if arguments.role == "service" else join_link(settings, token)
    if arguments.json:
        expires_at = authority.verify(token).expires_at.isoformat()
        print(json.dumps({"token": token, "link": link, "expires_at": expires_at}))
    else:
        print(token if link is None or arguments.token else link)
    return 0


def _check(arguments: argparse.Namespace, identity: str, name: str) -> None:
    from ..model.consultation import ConsultationId, Identity, PersonName

    if arguments.role == "service":
        if arguments.consultation is not None:
            raise InvalidRequest("A service token is for every consultation: leave --consultation out.")
    else:
        if arguments.consultation is None:
            raise InvalidRequest(f"--consultation is missing: a {arguments.role} has a seat in one consultation.")
        rule = "8 to 64 small letters, digits and hyphens"
        _check_value("--consultation", arguments.consultation, ConsultationId, rule)
    _check_value("--identity", identity, Identity, "1 to 128 characters")
    _check_value("--name", name, PersonName, "1 to 100 characters")
    if arguments.ttl is not None and arguments.ttl <= 0:
        raise InvalidRequest(f"--ttl is {arguments.ttl}: give the seconds it shall be valid, 1 or more.")


def _check_value(option: str, value: str, annotation: Any, rule: str) -> None:
    from pydantic import TypeAdapter, ValidationError

    try:
        TypeAdapter(annotation).validate_python(value)
    except ValidationError as error:
        raise InvalidRequest(f"{option} is {value!r}: give {rule}.") from error
