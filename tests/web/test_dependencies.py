"""What the site finds out about the parts that it can do without."""

import threading
from concurrent.futures import ThreadPoolExecutor

from helpers import WAIT_SECONDS

from app.errors import HistoryUnavailable
from app.web.dependencies import Dependencies


def fail() -> None:
    raise HistoryUnavailable


def test_what_fails_its_check_is_missing() -> None:
    assert Dependencies({"sound": lambda: None, "broken": fail}).missing() == ["broken"]


def test_one_look_counts_for_a_while() -> None:
    looks: list[None] = []
    dependencies = Dependencies({"counted": lambda: looks.append(None)})
    for _ in range(3):
        assert dependencies.missing() == []
    assert len(looks) == 1


def test_nobody_waits_for_the_look_of_another() -> None:
    looking, go_on = threading.Event(), threading.Event()

    def look() -> None:
        looking.set()
        assert go_on.wait(WAIT_SECONDS)
        fail()

    dependencies = Dependencies({"slow": look})
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(dependencies.missing)
        assert looking.wait(WAIT_SECONDS)
        assert dependencies.missing() == []
        go_on.set()
        assert first.result(WAIT_SECONDS) == ["slow"]
    assert dependencies.missing() == ["slow"]
