"""docs/protocol.md and its schema say what the models say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator, ValidationError
from pydantic import BaseModel

from server.model import advice_events, events, recording_events
from server.model.audience import may_see
from server.model.consultation import Consultation, Role
from server.model.errors import EscutaError
from server.model.insight import Audience, Tip, TipKind, TipMark
from server.web import messages
from server.web.protocol_schema import schema_text

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / "protocol.md").read_text(encoding="utf-8")
SCHEMA = json.loads((DOCS / "protocol.schema.json").read_text(encoding="utf-8"))


def section(title: str) -> str:
    return re.split(r"^## ", TEXT.partition(f"\n## {title}\n")[2], maxsplit=1, flags=re.M)[0]


def rows(title: str) -> list[list[str]]:
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def error_classes(kind: type[EscutaError] = EscutaError) -> Iterator[type[EscutaError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == EscutaError.__module__:
            yield from error_classes(child)


def type_of(model: type[BaseModel]) -> str:
    return str(get_args(model.model_fields["type"].annotation)[0])


def test_the_schema_is_made_from_the_present_models() -> None:
    assert (DOCS / "protocol.schema.json").read_text(encoding="utf-8") == schema_text(), "run scripts/schema"


def test_every_close_code_is_documented_and_no_other() -> None:
    documented = {int(row[0]) for row in rows("Close codes")}
    ours = {value for name, value in vars(messages.CloseCode).items() if name.isupper()}
    assert documented == ours | {1006, 1009}


def test_every_error_code_is_documented_with_its_status() -> None:
    documented = {row[0].strip("`"): int(row[1]) for row in rows("Error codes")}
    assert documented == {kind.code: kind.http_status for kind in error_classes()}


@pytest.mark.parametrize(
    ("title", "union"),
    [("From the browser", messages.ClientMessage), ("From the server", messages.ServerMessage)],
)
def test_every_message_is_documented_with_its_fields(title: str, union: Any) -> None:
    documented = {row[0].strip("`"): row[1] for row in rows(title)}
    models = {type_of(model): model for model in get_args(union)}
    assert documented.keys() == models.keys()
    for name, model in models.items():
        assert set(re.findall(r"`([a-z_]+)`", documented[name])) - {"useful", "dismissed", "done"} == (
            model.model_fields.keys() - {"type"}
        )


def test_every_event_is_documented() -> None:
    named = {name for row in rows("Events, and who gets them") for name in re.findall(r"`([a-z_]+)`", row[0])}
    assert named == {type_of(event) for event in get_args(events.Event)}


def test_what_is_documented_as_the_clinicians_is_the_clinicians() -> None:
    (row,) = [row for row in rows("Events, and who gets them") if row[1] == "the clinician"]
    tip = Tip(id="t", kind=TipKind.EXPLANATION, audience=Audience.CLINICIAN, text="x")
    mark = TipMark.DONE
    shown = {
        events.TipReady(at_s=0, tip=tip),
        events.TipMarked(at_s=0, tip_id="t", audience=Audience.CLINICIAN, mark=mark, role=Role.CLINICIAN),
        advice_events.QuestionAsked(at_s=0, question_id="q", text="x"),
        advice_events.BudgetSpent(at_s=0, calls=1, tokens=1),
        events.SidecarFailed(at_s=0, sidecar="tips"),
        events.EntitiesFound(at_s=0, utterance_id="u1", entities=()),
        recording_events.DiskLow(at_s=0, free_mb=1),
        recording_events.RecordingFinalized(at_s=0, files=()),
        events.ReportReady(at_s=0, version=1, template="soap", statements=1, unsupported=0),
    }
    assert set(re.findall(r"`([a-z_]+)`", row[0])) == {event.type for event in shown}
    assert all(may_see(event) == {Role.CLINICIAN} for event in shown)


def test_documented_limits_are_the_servers() -> None:
    limits = section("Limits")
    assert messages.MAX_MESSAGE_BYTES == 64 * 1024
    assert "64 KiB" in limits
    for field, largest in (("sdp", "60 000"), ("text", "4 000")):
        assert f"≤ {largest}" in section("From the browser")
        model = messages.Offer if field == "sdp" else messages.Chat
        assert int(largest.replace(" ", "")) in [
            getattr(rule, "max_length", None) for rule in model.model_fields[field].metadata
        ]


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator({**SCHEMA, "anyOf": [{"$ref": f"#/$defs/{name}"}]})


def test_the_schema_takes_what_the_models_make_and_refuses_the_rest() -> None:
    welcome = messages.Welcome(
        role=Role.PATIENT,
        identity="maria",
        name="Maria",
        consultation=Consultation(id="consultation-one", agent_id="default", created_at=datetime.now(UTC)),
        seats=(),
        room_s=1.5,
        recording=False,
        consent_mode="ask",
        ice_servers=(messages.IceServer(urls=("stun:x",)),),
        heartbeat_s=5,
        grace_s=60,
        sequence=0,
    )
    event = messages.EventMessage(sequence=1, event=recording_events.DiskLow(at_s=0.5, free_mb=7))
    for message in (welcome, event, messages.Pong(t=1, room_s=2)):
        validator("ServerMessage").validate(json.loads(message.model_dump_json()))
    validator("ClientMessage").validate({"type": "join", "token": "a.b.c"})
    for wrong in (
        {"type": "join"},
        {"type": "nothing"},
        {"type": "end", "more": 1},
        {"type": "offer", "connection": 0},
    ):
        with pytest.raises(ValidationError):
            validator("ClientMessage").validate(wrong)
