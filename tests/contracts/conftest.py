import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydantic import SecretStr

from server.insight.providers.openai_compatible import OpenAICompatible
from server.insight.providers.options import ProviderOptions
from tests.contracts.chat import KEY, Waits
from tests.insight.fake_openai import FakeOpenAI, fake_openai


@pytest.fixture
async def fake() -> AsyncIterator[FakeOpenAI]:
    async with fake_openai() as server:
        yield server


@pytest.fixture
async def over_network(fake: FakeOpenAI) -> AsyncIterator[Callable[..., OpenAICompatible]]:
    made: list[OpenAICompatible] = []

    def make(timeout_s: float = 10.0, url: str = "", sleep: Any = None, now_s: Any = None, **more: Any) -> Any:
        options = ProviderOptions(url or fake.url, SecretStr(KEY), "fake-model", timeout_s, **more)
        made.append(OpenAICompatible(options, sleep=sleep or Waits(), now_s=now_s or time.monotonic))
        return made[-1]

    yield make
    for model in made:
        await model.aclose()
