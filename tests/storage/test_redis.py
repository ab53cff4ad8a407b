"""The client of Redis that all stores use."""

import pytest

from app.storage.redis import TIMEOUT_SECONDS, connect


def test_no_call_waits_longer_than_a_page_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.storage.redis.TIMEOUT_SECONDS", TIMEOUT_SECONDS)  # others wait longer
    with connect("redis://127.0.0.1") as client:
        kept = client.connection_pool.connection_kwargs
    assert TIMEOUT_SECONDS <= 1
    assert kept["socket_timeout"] == kept["socket_connect_timeout"] == TIMEOUT_SECONDS
