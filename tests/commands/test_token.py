"""`token` makes links the server accepts, and refuses what it would not."""

import json

import pytest

from server.__main__ import main
from server.settings import load_settings
from server.web.credentials import token_authority

SEAT = ["--consultation", "demo-0001", "--role", "patient", "--identity", "ana", "--name", "Ana Souza"]


def printed(capsys) -> str:
    return capsys.readouterr().out.strip()


def test_the_link_opens_the_seat_asked_for(capsys):
    assert main(["token", *SEAT, "--ttl", "60"]) == 0
    page, _, token = printed(capsys).partition("#")
    assert page == "http://localhost:8080/join"
    claims = token_authority(load_settings()).verify(token)
    assert (claims.consultation_id, claims.role, claims.identity, claims.name) == (
        "demo-0001",
        "patient",
        "ana",
        "Ana Souza",
    )


def test_the_link_leads_to_the_public_address(capsys, monkeypatch):
    monkeypatch.setenv("PUBLIC_URL", "https://call.example.org/")
    main(["token", *SEAT])
    assert printed(capsys).startswith("https://call.example.org/join#")


def test_json_holds_token_link_and_expiry(capsys):
    assert main(["token", *SEAT, "--json"]) == 0
    answer = json.loads(printed(capsys))
    assert answer["link"].endswith(f"#{answer['token']}")
    claims = token_authority(load_settings()).verify(answer["token"])
    assert answer["expires_at"] == claims.expires_at.isoformat()


def test_a_service_token_has_no_link_and_no_consultation(capsys):
    assert main(["token", "--role", "service"]) == 0
    claims = token_authority(load_settings()).verify(printed(capsys))
    assert (claims.role, claims.consultation_id) == ("service", None)


def test_a_generated_secret_is_the_same_for_the_next_command(capsys, workplace):
    main(["token", *SEAT, "--token"])
    token = printed(capsys)
    assert (workplace / "data" / "api_secret").stat().st_mode & 0o777 == 0o600
    assert token_authority(load_settings()).verify(token).identity == "ana"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--role", "patient"], "--consultation is missing"),
        (["--role", "service", "--consultation", "demo-0001"], "leave --consultation out"),
        (["--role", "patient", "--consultation", "Not An Id"], "'Not An Id'"),
        ([*SEAT, "--name", "x" * 101], "--name"),
        ([*SEAT, "--ttl", "0"], "--ttl is 0"),
    ],
)
def test_what_the_server_would_refuse_is_refused_with_its_name(capsys, arguments, named):
    assert main(["token", *arguments]) == 1
    refusal = capsys.readouterr()
    assert refusal.out == ""
    assert named in refusal.err
