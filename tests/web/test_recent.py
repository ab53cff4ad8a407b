"""What was made last, for a while and up to a number."""

from types import SimpleNamespace

import pytest

from app.web import recent
from app.web.recent import Recent


def test_a_thing_is_there_until_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(recent, "time", SimpleNamespace(monotonic=lambda: now))
    things: Recent[str, int] = Recent(2, seconds=60)
    things.put("a", 1)
    now = 59.0
    assert things.get("a") == 1
    now = 60.0
    assert things.get("a") is None
    assert len(things) == 0


def test_of_too_many_the_oldest_goes() -> None:
    things: Recent[str, int] = Recent(2, seconds=60)
    for key in ("a", "b", "a", "c"):
        things.put(key, len(things))
    assert [key for key in ("a", "b", "c") if things.get(key) is not None] == ["a", "c"]
