"""What is Redis's alone: being away, being slow, and what it leaves behind."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from server.live.create import create_live_store
from server.live.memory import MemoryLiveStore
from server.live.port import Presence
from server.live.redis import TTL_S, RedisLiveStore
from server.model.consultation import Role
from server.model.errors import InvalidSettings, Unavailable
from server.model.events import ConsultationEnded
from server.settings import Settings

from .redis_server import RedisServer

ENDED = ConsultationEnded(at_s=1.0, reason="idle")
ANA = Presence(identity="patient-1", name="Ana", state="connected", since_s=0.0)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def store(server: RedisServer) -> AsyncIterator[RedisLiveStore]:
    store = RedisLiveStore(server.url, timeout_s=0.2)
    yield store
    await store.aclose()


async def test_a_stopped_redis_is_unavailable_and_a_returned_one_is_used_again(
    server: RedisServer, store: RedisLiveStore
) -> None:
    await store.append("consultation-1", 1, ENDED)
    server.stop()
    with pytest.raises(Unavailable):
        await store.append("consultation-1", 2, ENDED)
    with pytest.raises(Unavailable):
        await store.presence("consultation-1")
    server.start()
    await store.append("consultation-1", 3, ENDED)
    assert await store.last_sequence("consultation-1") == 3


async def test_a_redis_that_restarted_between_two_calls_is_not_noticed(
    server: RedisServer, store: RedisLiveStore
) -> None:
    await store.append("consultation-1", 1, ENDED)
    server.stop()
    server.start()
    await store.append("consultation-1", 2, ENDED)
    assert await store.last_sequence("consultation-1") == 2


async def test_a_frozen_redis_is_unavailable_rather_than_waited_for(server: RedisServer, store: RedisLiveStore) -> None:
    await store.set_presence("consultation-1", Role.PATIENT, ANA)
    server.freeze()
    for call in (store.since("consultation-1", 0), store.forget("consultation-1")):
        with pytest.raises(Unavailable):
            await call
    server.thaw()
    assert dict(await store.presence("consultation-1")) == {Role.PATIENT: ANA}


async def test_everything_expires_and_lies_under_the_prefix(server: RedisServer, store: RedisLiveStore) -> None:
    await store.append("consultation-1", 1, ENDED)
    await store.set_presence("consultation-1", Role.PATIENT, ANA)
    async with Redis.from_url(server.url) as redis:
        keys = sorted(await redis.keys())
        assert keys == [b"escuta:consultation-1:events", b"escuta:consultation-1:seats"]
        assert all([0 < await redis.ttl(key) <= TTL_S for key in keys])


async def test_two_prefixes_share_a_redis_without_meeting(server: RedisServer, store: RedisLiveStore) -> None:
    await store.append("consultation-1", 1, ENDED)
    other = RedisLiveStore(server.url, prefix="staging")
    assert await other.last_sequence("consultation-1") == 0
    await other.aclose()


async def test_a_wrong_kind_of_key_is_unavailable_not_a_crash(server: RedisServer, store: RedisLiveStore) -> None:
    async with Redis.from_url(server.url) as redis:
        await redis.set("escuta:consultation-1:events", "not a stream")
    with pytest.raises(Unavailable):
        await store.append("consultation-1", 1, ENDED)


def test_an_unreadable_url_is_refused_without_repeating_it() -> None:
    with pytest.raises(InvalidSettings) as caught:
        RedisLiveStore("http://:hunter2@localhost")
    assert "hunter2" not in str(caught.value)


async def test_settings_choose_the_store() -> None:
    memory = create_live_store(Settings(_env_file=None, redis_url=None))
    assert isinstance(memory, MemoryLiveStore)
    redis = create_live_store(Settings(_env_file=None, redis_url="redis://127.0.0.1:1/0"))
    assert isinstance(redis, RedisLiveStore)
    with pytest.raises(Unavailable):
        await redis.last_sequence("consultation-1")
    await redis.aclose()
