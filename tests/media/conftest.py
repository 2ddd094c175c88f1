from __future__ import annotations

import aioice.ice
import pytest


@pytest.fixture(autouse=True)
def clients_use_loopback(monkeypatch):
    """aiortc's clients leave 127.0.0.1 out; the tests must run on a machine that has nothing else."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])
