"""Events on their way into the database, whatever people type."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.model.consultation import Role
from server.model.events import ChatSent
from server.storage.clean import clean
from server.storage.records import pack, pack_restart, unpack

from .facts import CID, one_of_each

AT = datetime(2026, 3, 1, 12, 30, 0, 5, tzinfo=UTC)
ANY_TEXT = st.text(st.characters(), min_size=1, max_size=40)


def chat(text: str) -> ChatSent:
    return ChatSent(at_s=1.0, message_id="m1", role=Role.PATIENT, name="Ana", text=text)


@pytest.mark.parametrize("event", one_of_each("ção 漢字 🩺 \"'\\ </script>"), ids=lambda event: event.type)
def test_every_event_comes_back_as_it_was(event: object) -> None:
    assert unpack(pack(CID, AT, event)) == (CID, AT, event)  # type: ignore[arg-type]


@given(text=ANY_TEXT, consultation_id=ANY_TEXT)
def test_any_text_is_kept_but_for_what_no_database_takes(text: str, consultation_id: str) -> None:
    assert unpack(pack(consultation_id, AT, chat(text))) == (clean(consultation_id), AT, chat(clean(text)))


@pytest.mark.parametrize(
    ("text", "kept"), [("a\x00b", "a�b"), ("a\ud83eb", "a�b"), ("\\u0000", "\\u0000"), ("🩺", "🩺")]
)
def test_nul_and_half_surrogates_are_replaced_and_nothing_else(text: str, kept: str) -> None:
    _, _, event = unpack(pack(CID, AT, chat(text)))
    assert event == chat(kept)


def test_a_restart_is_no_event() -> None:
    assert unpack(pack_restart(AT)) == ("", AT, None)


@pytest.mark.parametrize("payload", [b"", b"{}", b"[]", b"null", b'{"event":{"type":"unheard_of"}}', b"\xff"])
def test_what_this_version_cannot_read_is_a_value_error(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpack(payload)
