"""Names in addresses, checked before anything looks them up."""

from __future__ import annotations

import re

from aiohttp import web

from ..model.errors import NotFound
from .exports.export import FORMS, ReportForm
from .resources import AGENT_ID_PATTERN

CONSULTATION_ID_PATTERN = r"^[a-z0-9-]{8,64}$"
FILE_NAME_PATTERN = r"^[A-Za-z0-9_-]{1,64}\.[a-z0-9]{1,8}$"
REPORT_FORM_PATTERN = f"^({'|'.join(map(re.escape, FORMS))})$"
PATTERNS = {
    "consultation_id": CONSULTATION_ID_PATTERN,
    "agent_id": AGENT_ID_PATTERN,
    "name": FILE_NAME_PATTERN,
    "form": REPORT_FORM_PATTERN,
}


def consultation_id_of(request: web.Request) -> str:
    """Return the consultation's id in the address.

    Raises:
        NotFound: If it can be no consultation's id.
    """
    return _checked(request, "consultation_id", "There is no consultation with this id.")


def agent_id_of(request: web.Request) -> str:
    """Return the agent's id in the address.

    Raises:
        NotFound: If it can be no agent's id.
    """
    return _checked(request, "agent_id", "There is no agent with this id: use a-z, 0-9, - and _, 64 at most.")


def file_name_of(request: web.Request) -> str:
    """Return the file's name in the address.

    Raises:
        NotFound: If it can be no recording's name.
    """
    return _checked(request, "name", "There is no recording with this name.")


def report_form_of(request: web.Request) -> ReportForm:
    """Return the form of a report in the address.

    Raises:
        NotFound: If reports have no such form.
    """
    form = _checked(request, "form", "A report has no such form: use md, pdf, docx or fhir.json.")
    return next(one for one in FORMS if one == form)


def _checked(request: web.Request, part: str, message: str) -> str:
    value = request.match_info[part]
    if not re.fullmatch(PATTERNS[part].removeprefix("^").removesuffix("$"), value):
        raise NotFound(message)
    return value
