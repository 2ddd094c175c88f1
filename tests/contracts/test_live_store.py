"""What every live store does, memory and a real Redis alike."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from server.live import port
from server.live.memory import MemoryLiveStore
from server.live.port import LiveStore, Presence
from server.live.redis import RedisLiveStore
from server.model.consultation import Role
from server.model.events import ChatSent, ConsultationEnded, ConsultationOpened, Event
from tests.live.redis_server import RedisServer

CREATE: dict[str, Callable[[str], LiveStore]] = {
    "memory": lambda url: MemoryLiveStore(),
    "redis": lambda url: RedisLiveStore(url),
}


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server.url
    server.stop()


@pytest.fixture(params=sorted(CREATE))
async def store(request: pytest.FixtureRequest) -> AsyncIterator[LiveStore]:
    url = request.getfixturevalue("redis_url") if request.param == "redis" else ""
    store = CREATE[request.param](url)
    await store.forget("consultation-1")
    await store.forget("consultation-2")
    yield store
    await store.aclose()


def said(number: int, text: str = "olá") -> Event:
    return ChatSent(at_s=float(number), message_id=f"m{number}", role=Role.PATIENT, name="Ana", text=text)


def ana(since_s: float = 0.0) -> Presence:
    return Presence(identity="patient-1", name="Ana", state="connected", since_s=since_s)


async def test_a_consultation_nobody_wrote_about_is_empty(store: LiveStore) -> None:
    assert await store.last_sequence("consultation-1") == 0
    assert list(await store.since("consultation-1", 0)) == []
    assert dict(await store.presence("consultation-1")) == {}


async def test_events_come_back_in_order_after_the_given_sequence(store: LiveStore) -> None:
    events = [said(number) for number in range(1, 6)]
    for sequence, event in enumerate(events, start=1):
        await store.append("consultation-1", sequence, event)
    assert list(await store.since("consultation-1", 0)) == list(enumerate(events, start=1))
    assert list(await store.since("consultation-1", 3)) == [(4, events[3]), (5, events[4])]
    assert list(await store.since("consultation-1", 5)) == []
    assert list(await store.since("consultation-1", 99)) == []
    assert await store.last_sequence("consultation-1") == 5


async def test_an_event_appended_twice_is_kept_once(store: LiveStore) -> None:
    await store.append("consultation-1", 1, said(1))
    await store.append("consultation-1", 2, said(2))
    await store.append("consultation-1", 2, said(2))
    await store.append("consultation-1", 1, said(1))
    assert [sequence for sequence, _ in await store.since("consultation-1", 0)] == [1, 2]


async def test_a_consultation_sees_only_its_own_events(store: LiveStore) -> None:
    await store.append("consultation-1", 1, said(1))
    await store.append("consultation-2", 1, ConsultationEnded(at_s=3.0, reason="idle"))
    assert [event for _, event in await store.since("consultation-1", 0)] == [said(1)]
    assert [event.type for _, event in await store.since("consultation-2", 0)] == ["consultation_ended"]


async def test_only_the_newest_events_are_kept(store: LiveStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("server.live.memory", "server.live.redis"):
        monkeypatch.setattr(f"{module}.REPLAY_LIMIT", 10)
    for sequence in range(1, 26):
        await store.append("consultation-1", sequence, said(sequence))
    assert [sequence for sequence, _ in await store.since("consultation-1", 0)] == list(range(16, 26))
    assert await store.last_sequence("consultation-1") == 25
    assert port.REPLAY_LIMIT == 5000


async def test_sequences_may_begin_late(store: LiveStore) -> None:
    await store.append("consultation-1", 700, said(700))
    assert [sequence for sequence, _ in await store.since("consultation-1", 0)] == [700]


@pytest.mark.parametrize("text", ["ção 漢字 🩺", "a\x00b", '"}\n{'])
async def test_any_text_comes_back_as_it_was(store: LiveStore, text: str) -> None:
    await store.append("consultation-1", 1, said(1, text))
    assert list(await store.since("consultation-1", 0)) == [(1, said(1, text))]


async def test_half_a_surrogate_pair_does_not_lose_the_event(store: LiveStore) -> None:
    await store.append("consultation-1", 1, said(1, "dor \ud83e forte"))
    [(sequence, event)] = await store.since("consultation-1", 0)
    assert sequence == 1
    assert isinstance(event, ChatSent)
    assert event.text.startswith("dor ")


async def test_presence_names_who_sits_where(store: LiveStore) -> None:
    doctor = Presence(identity="clinician-1", name="Dra. Lima", state="unstable", since_s=2.5)
    await store.set_presence("consultation-1", Role.CLINICIAN, doctor)
    await store.set_presence("consultation-1", Role.PATIENT, ana())
    assert dict(await store.presence("consultation-1")) == {Role.CLINICIAN: doctor, Role.PATIENT: ana()}
    await store.set_presence("consultation-1", Role.PATIENT, ana(since_s=9.0))
    await store.set_presence("consultation-1", Role.CLINICIAN, None)
    await store.set_presence("consultation-1", Role.CLINICIAN, None)
    assert dict(await store.presence("consultation-1")) == {Role.PATIENT: ana(since_s=9.0)}


async def test_forgetting_leaves_nothing_of_that_consultation_and_all_of_others(store: LiveStore) -> None:
    for consultation_id in ("consultation-1", "consultation-2"):
        await store.append(consultation_id, 1, said(1))
        await store.set_presence(consultation_id, Role.PATIENT, ana())
    await store.forget("consultation-1")
    assert await store.last_sequence("consultation-1") == 0
    assert dict(await store.presence("consultation-1")) == {}
    assert await store.last_sequence("consultation-2") == 1
    assert dict(await store.presence("consultation-2")) == {Role.PATIENT: ana()}
    await store.append("consultation-1", 1, said(1))
    assert await store.last_sequence("consultation-1") == 1


async def test_what_is_returned_is_not_what_is_kept(store: LiveStore) -> None:
    await store.set_presence("consultation-1", Role.PATIENT, ana())
    returned = await store.presence("consultation-1")
    await store.set_presence("consultation-1", Role.PATIENT, None)
    assert dict(returned) == {Role.PATIENT: ana()}


async def test_times_keep_their_precision(store: LiveStore) -> None:
    opened = ConsultationOpened.model_validate({"at_s": 0.1 + 0.2, "opened_at": "2026-03-01T12:00:00.123456Z"})
    await store.append("consultation-1", 1, opened)
    assert list(await store.since("consultation-1", 0)) == [(1, opened)]
