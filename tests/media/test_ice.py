"""Addresses, ports, candidates and TURN credentials."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media import binding_seam
from server.media.ice import (
    IceServerGrant,
    IceSettings,
    announced,
    bind_udp,
    host_addresses,
    ice_servers,
    ice_settings,
    interfaces,
    read_candidate,
)
from server.model.errors import InvalidRequest, InvalidSettings, Unavailable
from server.settings import Settings
from tests.media.browser import new_peer
from tests.media.test_offer import CHROMIUM


def settings(**values) -> Settings:
    return Settings(_env_file=None, **values)


def candidates(answer: str) -> list[tuple[str, int]]:
    return [(ip, int(port)) for ip, port in re.findall(r"a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host", answer)]


def test_bridges_and_link_local_addresses_are_not_offered_and_loopback_comes_last():
    found = [
        ("lo", "127.0.0.1"),
        ("lo", "::1"),
        ("docker0", "172.17.0.1"),
        ("br-1f2e3d", "172.18.0.1"),
        ("veth12", "10.0.0.9"),
        ("eth0", "fe80::1"),
        ("eth0", "2001:db8::5"),
        ("eth0", "192.168.1.20"),
        ("wlan0", "169.254.3.4"),
        ("wlan0", "10.1.2.3"),
        ("wlan1", "10.1.2.3"),
    ]
    assert host_addresses(found) == ["192.168.1.20", "10.1.2.3", "2001:db8::5", "127.0.0.1"]


def test_a_machine_without_a_network_offers_loopback():
    assert host_addresses([("lo", "127.0.0.1"), ("lo", "::1")]) == ["127.0.0.1"]
    assert host_addresses([]) == ["127.0.0.1"]


def test_many_addresses_are_bounded():
    assert len(host_addresses([("eth0", f"10.0.0.{n}") for n in range(1, 100)])) == 8


def test_this_machine_has_interfaces():
    assert "127.0.0.1" in {address for _, address in interfaces()}


def test_behind_nat_the_public_address_is_announced_and_loopback_stays():
    nat = IceSettings(advertised_ip="203.0.113.9")
    assert announced("172.20.0.3", nat) == "203.0.113.9"
    assert announced("127.0.0.1", nat) == "127.0.0.1"
    assert announced("fd00::3", nat) == "fd00::3"
    assert announced("172.20.0.3", IceSettings()) == "172.20.0.3"


async def test_the_answer_names_the_public_address_and_ports_of_the_range(monkeypatch):
    monkeypatch.setattr(binding_seam, "interfaces", lambda: [("eth0", "127.0.0.2")])
    monkeypatch.setattr(binding_seam, "host_addresses", lambda found: ["127.0.0.2", "127.0.0.1"])
    monkeypatch.setattr(
        binding_seam, "announced", lambda address, ice: announced(address.replace("127.0.0.2", "10.0.0.2"), ice)
    )
    peer = new_peer(ice=IceSettings("203.0.113.9", 21_000, 21_019))
    answer = await peer.answer(CHROMIUM)
    await peer.close()
    named = candidates(answer.partition("m=video")[0])
    assert [ip for ip, _ in named] == ["203.0.113.9", "127.0.0.1"]
    assert all(21_000 <= port <= 21_019 for _, port in named)
    assert "c=IN IP4 203.0.113.9" in answer


async def test_two_calls_share_a_range_of_two_ports_and_a_third_is_told_what_to_do():
    ice = IceSettings(None, 21_030, 21_031)
    peers = [new_peer(ice=ice) for _ in range(3)]
    ports = [candidates(await peer.answer(CHROMIUM))[0][1] for peer in peers[:2]]
    assert sorted(ports) == [21_030, 21_031]
    with pytest.raises(Unavailable, match="UDP_PORT_MAX"):
        await peers[2].answer(CHROMIUM)
    for peer in peers:
        await peer.close()


def test_an_address_that_is_not_here_cannot_be_bound():
    with pytest.raises(OSError, match=r"assign|address"):
        bind_udp("203.0.113.77", IceSettings())


def test_ipv6_loopback_binds_where_there_is_ipv6():
    if socket.has_ipv6:
        with bind_udp("::1", IceSettings()) as sock:
            assert sock.family is socket.AF_INET6


def test_ice_settings_come_from_the_owners():
    assert ice_settings(settings(advertised_ip="198.51.100.1", udp_port_min=5, udp_port_max=9)) == IceSettings(
        "198.51.100.1", 5, 9
    )


def test_an_advertised_name_is_refused_with_what_to_do():
    with pytest.raises(InvalidSettings, match="ADVERTISED_IP is call"):
        ice_settings(settings(advertised_ip="call.example"))


def test_turn_credentials_are_what_coturn_checks():
    owner = settings(
        stun_urls="stun:stun.example:3478",
        turn_urls="turn:turn.example:3478?transport=udp, turns:turn.example:5349",
        turn_secret="shared secret",
        turn_ttl_s=600,
    )
    stun, turn = ice_servers(owner, "dr-ana", now=1_700_000_000.9)
    assert stun == IceServerGrant(("stun:stun.example:3478",))
    assert turn.urls == ("turn:turn.example:3478?transport=udp", "turns:turn.example:5349")
    assert turn.username == "1700000600:dr-ana"
    expected = hmac.new(b"shared secret", turn.username.encode(), hashlib.sha1).digest()
    assert turn.credential == base64.b64encode(expected).decode()


def test_without_servers_none_are_handed_out():
    assert ice_servers(settings(), "x", 0.0) == ()


def test_a_long_identity_fits_into_a_stun_username():
    owner = settings(turn_urls="turn:t", turn_secret="s")
    (turn,) = ice_servers(owner, "ç" * 300, now=0.0)
    assert len(turn.username.encode()) <= 280


def test_an_identity_with_spaces_or_quotes_makes_a_name_coturn_takes():
    owner = settings(turn_urls="turn:t", turn_secret="s", turn_ttl_s=60)
    (turn,) = ice_servers(owner, 'dr "ana" o\'neil\\@clínica', now=0.0)
    assert turn.username == "60:dr%20%22ana%22%20o%27neil%5C@cl%C3%ADnica"


USABLE = "candidate:1 1 udp 2113937151 192.0.2.7 51234 typ host generation 0 ufrag abcd"


def test_a_trickled_candidate_is_taken_with_or_without_its_prefix():
    for text in (USABLE, "a=" + USABLE, USABLE.removeprefix("candidate:")):
        found = read_candidate(text)
        assert (found.ip, found.port, found.type) == ("192.0.2.7", 51234, "host")


@pytest.mark.parametrize(
    "address",
    ["4a1b-22.local", "127.0.0.1", "0.0.0.0", "224.0.0.251", "169.254.1.1", "fe80::1", "::1", "ff02::1", "nonsense"],
)
def test_addresses_no_server_should_knock_at_are_left_aside(address):
    assert read_candidate(USABLE.replace("192.0.2.7", address)) is None


@pytest.mark.parametrize(
    "change",
    [
        (" 1 udp", " 2 udp"),
        ("udp", "tcp"),
        ("typ host", "typ prflx"),
        ("51234", "0"),
        ("candidate:1 ", "candidate:" + "1" * 40 + " "),
    ],
)
def test_candidates_of_no_use_are_left_aside(change):
    assert read_candidate(USABLE.replace(*change)) is None


@pytest.mark.parametrize(
    "text", ["x", "candidate:", USABLE.replace("51234", "-1"), USABLE.replace("51234", "99999"), "é " * 9]
)
async def test_what_is_no_candidate_is_refused(text):
    peer = new_peer()
    with pytest.raises(InvalidRequest):
        await peer.add_candidate(text, "0", 0)


@given(st.text(max_size=200))
def test_any_text_is_a_candidate_useless_or_refused(text):
    try:
        read_candidate("candidate:1 1 udp 5 " + text)
        read_candidate(text)
    except InvalidRequest:
        pass


async def test_candidates_may_come_before_and_after_the_offer_but_not_without_end():
    peer = new_peer()
    await peer.add_candidate(USABLE, "0", 0)
    await peer.answer(CHROMIUM)
    await peer.add_candidate("", None, None)
    for number in range(31):
        await peer.add_candidate(USABLE.replace("192.0.2.7", f"127.1.0.{number}"), "0", None)
    with pytest.raises(InvalidRequest, match="More than"):
        await peer.add_candidate(USABLE, "0", 0)
    await peer.close()
    await peer.add_candidate(USABLE, "0", 0)
