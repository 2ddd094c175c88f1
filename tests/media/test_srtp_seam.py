"""SRTP in place does what pylibsrtp does with copies. A failure after an upgrade says which name moved."""

from __future__ import annotations

import importlib.metadata

import pylibsrtp
from hypothesis import given
from hypothesis import strategies as st
from pylibsrtp import Policy, Session, _binding

from server.media.srtp_seam import CAPACITY, packet_buffer

KEY = bytes(range(60))
PROFILES = (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, Policy.SRTP_PROFILE_AEAD_AES_128_GCM)


def session(profile: int, ssrc_type: int) -> Session:
    policy = Policy(key=KEY, ssrc_type=ssrc_type, srtp_profile=profile)
    policy.allow_repeat_tx = True
    return Session(policy)


def test_the_names_the_seam_builds_on_are_there():
    assert importlib.metadata.version("pylibsrtp") == "1.0.0"
    for name in ("srtp_protect", "srtp_unprotect"):
        signature = _binding.ffi.typeof(getattr(_binding.lib, name))
        assert [argument.cname for argument in signature.args] == ["struct srtp_ctx_t_ *", "void *", "int *"]
        assert signature.result.kind == "enum"
    assert _binding.lib.srtp_err_status_ok == 0
    assert pylibsrtp.SRTP_MAX_TRAILER_LEN >= 16
    assert _binding.ffi.typeof(Session()._srtp).cname == "struct srtp_ctx_t_ * *"


@given(st.binary(max_size=1300), st.integers(0, 0x7FFF), st.sampled_from(PROFILES))
def test_a_packet_protected_in_place_is_read_by_others_and_the_other_way_round(payload, number, profile):
    packet = b"\x80\x60" + number.to_bytes(2, "big") + bytes(8) + payload
    ours, theirs = session(profile, Policy.SSRC_ANY_OUTBOUND), session(profile, Policy.SSRC_ANY_OUTBOUND)
    buffer = packet_buffer()
    buffer.view[: len(packet)] = packet
    length = buffer.protector(ours)(len(packet))
    assert bytes(buffer.view[:length]) == theirs.protect(packet)
    length = buffer.unprotector(session(profile, Policy.SSRC_ANY_INBOUND))(length)
    assert bytes(buffer.view[:length]) == packet


def test_what_is_not_genuine_or_cut_short_is_refused():
    buffer = packet_buffer()
    unprotect = buffer.unprotector(session(PROFILES[1], Policy.SSRC_ANY_INBOUND))
    for junk in (b"\x80\x60" + bytes(40), b"\x80" * 12, b"\xbf\xff" + b"\xff" * 100, b"\x90\x60" + bytes(10)):
        buffer.view[: len(junk)] = junk
        assert unprotect(len(junk)) == -1


def test_the_largest_datagram_leaves_room_for_its_protection():
    buffer = packet_buffer()
    packet = b"\x80\x60" + bytes(CAPACITY - 2)
    buffer.view[:CAPACITY] = packet
    length = buffer.protector(session(PROFILES[0], Policy.SSRC_ANY_OUTBOUND))(CAPACITY)
    assert CAPACITY < length <= len(buffer.view)
