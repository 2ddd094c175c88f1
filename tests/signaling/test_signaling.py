"""What the socket promises a browser, and what it does with those that don't keep to the protocol."""

from __future__ import annotations

import asyncio
import json
import random
from contextlib import suppress

import jwt
import pytest

from server.model.errors import InvalidMessage, TooFrequent
from server.web.messages import CloseCode, client_adapter, parse
from server.web.rates import BURST, MessageRate
from tests.rooms.fakes import House

from .conftest import SECRET, open_desk


async def test_welcome_names_the_seat_and_the_consultation_and_events_follow(desk):
    browser = await desk.open()
    await browser.send(type="join", v=1, token=desk.token("clinician"), consent=True)
    welcome = await browser.next("welcome")
    assert welcome["role"] == "clinician"
    assert welcome["consultation"]["id"] == "consultation-1"
    joined = await browser.next("event", type="participant_joined")
    assert joined["event"]["name"] == "Clinician"
    assert joined["sequence"] > 0


async def test_browser_offers_and_the_server_answers(desk):
    browser = await desk.join()
    await browser.send(type="offer", connection=1, sdp="v=0")
    answer = await browser.next("answer")
    assert answer == {"type": "answer", "connection": 1, "sdp": "answer to v=0"}
    await browser.send(type="candidate", connection=1, candidate="candidate:1 1 udp 1 127.0.0.1 1 typ host")
    await browser.send(type="ping", t=7)
    assert (await browser.next("pong"))["t"] == 7
    assert desk.house.peers[0].candidates == ["candidate:1 1 udp 1 127.0.0.1 1 typ host"]


async def test_bad_offer_is_an_error_with_a_code_and_the_socket_stays(desk):
    browser = await desk.join()
    await browser.send(type="offer", connection=1, sdp="bad")
    assert (await browser.next("error"))["code"] == "invalid_offer"
    await browser.send(type="ping")
    await browser.next("pong")


async def test_chat_reaches_both_and_a_reconnect_brings_what_was_missed(desk):
    patient, clinician = await desk.join("patient"), await desk.join("clinician")
    await patient.send(type="chat", message_id="m1", text="Olá <b>doutora</b>")
    seen = await clinician.next("event", type="chat_sent")
    assert seen["event"]["text"] == "Olá <b>doutora</b>"
    await clinician.socket.close()
    await patient.send(type="chat", message_id="m2", text="Ainda aí?")
    await patient.next("event", message_id="m2")
    clinician = await desk.join("clinician", after=seen["sequence"])
    again = await clinician.next("event", type="chat_sent")
    assert again["event"]["message_id"] == "m2"


@pytest.mark.parametrize("bars", [0, 5, -1, 1.5, "many", None])
async def test_bars_that_nobody_has_are_refused(desk, bars):
    browser = await desk.join("patient")
    await browser.send(type="quality", bars=bars)
    assert (await browser.next("error"))["code"] == "invalid_message"


async def test_the_welcome_names_the_service_that_voices_go_to(tmp_path):
    house = House(tmp_path)
    service = {"speech_provider": "openai_compatible", "speech_base_url": "https://speech.example.org:8443/private/v1"}
    house.settings = house.settings.model_copy(update=service)
    async with open_desk(house) as desk:
        browser = await desk.open()
        await browser.send(type="join", v=1, token=desk.token("patient"), consent=True, after=0)
        assert (await browser.next("welcome"))["voices_go_to"] == "speech.example.org"
        assert "private" not in str(browser.seen)


async def test_a_newcomer_learns_from_the_welcome_how_the_other_side_does(desk):
    patient = await desk.join("patient")
    await patient.send(type="quality", bars=1)
    await patient.send(type="ping")
    await patient.next("pong")
    for away in (False, True):
        clinician = await desk.open()
        await clinician.send(type="join", v=1, token=desk.token("clinician"), consent=True)
        welcome = await clinician.next("welcome")
        seats = {seat["role"]: seat for seat in welcome["seats"]}
        assert seats["patient"]["bars"] == 1
        kept_until_s = seats["patient"]["kept_until_s"]
        if away:
            assert 0 < kept_until_s - welcome["room_s"] <= welcome["grace_s"]
        else:
            assert kept_until_s is None
            await patient.socket.close()
            gone = await clinician.next("event", type="participant_away")
            assert gone["sequence"] == 0
            assert gone["event"]["role"] == "patient"


async def test_same_person_elsewhere_replaces_this_socket_with_4001(desk):
    first = await desk.join()
    second = await desk.join()
    await first.next("replaced")
    assert await first.close_code() == CloseCode.REPLACED
    await second.send(type="ping")
    await second.next("pong")


async def test_third_identity_gets_room_full_with_4003(desk):
    await desk.join(identity="maria")
    browser = await desk.open()
    await browser.send(type="join", v=1, token=desk.token(identity="eve"))
    assert (await browser.next("error"))["code"] == "room_full"
    assert await browser.close_code() == CloseCode.ROOM_FULL


async def test_clinician_ends_for_both_and_a_patient_cannot(desk):
    patient, clinician = await desk.join("patient"), await desk.join("clinician")
    await patient.send(type="end")
    assert (await patient.next("error"))["code"] == "forbidden"
    await clinician.send(type="end")
    await patient.next("event", type="consultation_ended")
    assert await patient.close_code() == CloseCode.CONSULTATION_OVER
    late = await desk.open()
    await late.send(type="join", v=1, token=desk.token())
    assert (await late.next("error"))["code"] == "consultation_over"
    assert await late.close_code() == CloseCode.CONSULTATION_OVER


def _tokens(desk):
    good = desk.token()
    claims = jwt.decode(good, options={"verify_signature": False})
    yield "", CloseCode.PROTOCOL_ERROR
    yield "garbage", CloseCode.UNAUTHORIZED
    yield desk.token(ttl_s=-60), CloseCode.UNAUTHORIZED
    yield jwt.encode(claims, SECRET + "x", "HS256"), CloseCode.UNAUTHORIZED
    yield jwt.encode(claims, None, "none"), CloseCode.UNAUTHORIZED
    yield jwt.encode({**claims, "iss": "other"}, SECRET, "HS256"), CloseCode.UNAUTHORIZED
    yield jwt.encode(claims, SECRET * 2, "HS512"), CloseCode.UNAUTHORIZED
    yield desk.token("service", None), CloseCode.UNAUTHORIZED
    yield desk.token("listener"), CloseCode.UNAUTHORIZED
    yield desk.token(consultation_id="consultation-9"), CloseCode.NOT_FOUND


async def test_no_token_but_a_good_one_gets_in(desk):
    for token, code in _tokens(desk):
        browser = await desk.open()
        await browser.send(type="join", v=1, token=token)
        assert await browser.close_code() == code, token
        assert not any(message["type"] == "welcome" for message in browser.seen)


async def test_another_origins_page_cannot_open_the_socket(desk):
    response = await desk.client.get("/ws", headers={"Origin": "https://evil.example", "Upgrade": "websocket"})
    assert response.status in (403, 500)
    assert response.status != 101


async def test_a_stopping_server_says_so_to_those_who_are_still_at_the_door(desk):
    browser = await desk.open()
    assert desk.signaling.open_sockets == 1
    closing = asyncio.create_task(desk.signaling.close())
    assert await browser.close_code() == CloseCode.SERVER_STOPPING
    await closing


async def test_first_message_must_be_join(desk):
    browser = await desk.open()
    await browser.send(type="ping")
    assert (await browser.next("error"))["code"] == "invalid_message"
    assert await browser.close_code() == CloseCode.PROTOCOL_ERROR


async def test_oversized_and_binary_messages_are_answered_not_fatal(desk):
    browser = await desk.join()
    await browser.raw(json.dumps({"type": "chat", "message_id": "x", "text": "a" * 70_000}))
    assert "65536 bytes" in (await browser.next("error"))["message"]
    await browser.socket.send_bytes(b"\x00\x01")
    assert (await browser.next("error"))["code"] == "invalid_message"
    await browser.send(type="ping")
    await browser.next("pong")


async def test_too_many_messages_are_refused_and_at_last_close_the_socket_alone(desk):
    other = await desk.join("clinician")
    browser = await desk.join()
    for _ in range(1000):
        if browser.socket.closed:
            break
        await browser.send(type="ping")
    assert await browser.close_code() == CloseCode.TOO_FREQUENT
    assert any(message.get("code") == "too_frequent" for message in browser.seen)
    await other.send(type="ping")
    await other.next("pong")


def hostile_messages(count: int, seed: int) -> list[str]:
    """Malformed, mistyped and mutated messages, the same ones for the same seed."""
    chance = random.Random(seed)
    good = [
        {"type": "offer", "connection": 1, "sdp": "v=0"},
        {"type": "candidate", "connection": 1, "candidate": "x", "sdp_mid": "0", "sdp_m_line_index": 0},
        {"type": "media", "microphone": True, "camera": True, "screen": False},
        {"type": "quality", "bars": 2},
        {"type": "chat", "message_id": "m", "text": "t"},
        {"type": "mark_tip", "tip_id": "t", "mark": "useful"},
        {"type": "consent", "granted": True},
        {"type": "ping", "t": 1},
    ]
    odd = [None, -1, 1e999, "", "\ud800", "\x00", [], {}, True, 2**70, "A" * 5000, [[[[]]]], "' OR 1=1 --", "<script>"]
    fixed = ["", "null", "[]", "{}", "[" * 50_000, '{"type":', "\x00", '{"type":"join"}', "NaN", '"x"', "{" * 999]
    made = list(fixed)
    while len(made) < count:
        message = dict(chance.choice(good))
        match chance.randrange(4):
            case 0:
                message[chance.choice(list(message))] = chance.choice(odd)
            case 1:
                message.pop(chance.choice(list(message)))
            case 2:
                message[f"extra{chance.randrange(9)}"] = chance.choice(odd)
            case 3:
                text = json.dumps(message)
                at = chance.randrange(len(text))
                made.append(text[:at] + chr(chance.randrange(1, 0x2FF)) + text[at + 1 + chance.randrange(3) :])
                continue
        made.append(json.dumps(message))
    return made


async def test_a_thousand_hostile_messages_disturb_nobody(desk, monkeypatch):
    monkeypatch.setattr("server.web.session.MessageRate", lambda: MessageRate(lambda: float(next(ticks))))
    ticks = iter(range(10**9))
    patient, clinician = await desk.join("patient"), await desk.join("clinician")
    for text in hostile_messages(1000, seed=7):
        try:
            text.encode()
        except UnicodeEncodeError:
            continue
        if patient.socket.closed:
            patient = await desk.join("patient")
        await patient.raw(text)
        if '"leave"' in text:
            patient = await desk.join("patient")
    await patient.send(type="ping", t=42)
    await patient.next("pong", t=42)
    await clinician.send(type="chat", message_id="last", text="tudo bem")
    await patient.next("event", message_id="last")
    assert not any(message.get("code") == "internal" for message in patient.seen)
    assert desk.registry.live_ids() == ["consultation-1"]


@pytest.mark.parametrize("text", ["", "[" * 50_000, '{"type":"leave","x":1}', '{"type":"offer"}', "NaN", '"x"'])
def test_parse_explains_what_it_cannot_use_in_one_sentence(text):
    with pytest.raises(InvalidMessage, match=r"^The message .*\.$"):
        parse(text)


@pytest.mark.parametrize("text", hostile_messages(200, seed=11))
def test_parse_gives_a_message_or_invalid_message(text):
    with suppress(InvalidMessage):
        client_adapter.dump_json(parse(text))


def test_message_rate_lets_a_burst_through_and_then_its_rate_alone():
    now_s = 0.0
    rate = MessageRate(lambda: now_s)
    for _ in range(int(BURST)):
        rate.count()
    with pytest.raises(TooFrequent):
        rate.count()
    now_s = 1.0
    for _ in range(40):
        rate.count()
    with pytest.raises(TooFrequent):
        rate.count()
