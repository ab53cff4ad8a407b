"""Two sites behind nginx that share one Redis: visitors do not notice which one answers."""

import os
import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from helpers import wait_until
from machines import Machines, two_machines
from redis import Redis
from visiting import TIMEOUT_SECONDS, Visitor, metric

VISITORS, PHOTOS = 8, 6
HISTORY = "/classify/history"


@pytest.fixture(scope="module")
def machines(
    tmp_path_factory: pytest.TempPathFactory, small_weights: Path, redis_url: str
) -> Iterator[Machines]:
    folder = tmp_path_factory.mktemp("machines")
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
    with two_machines(folder, small_weights, redis_url, RATE_LIMIT="1000 per hour") as machines:
        yield machines


def predictions(machines: Machines) -> list[float]:
    return [metric(site, "site_predictions_total") for site in machines.sites]


def at(visitor: Visitor, url: str) -> Visitor:
    """Give the same visitor at another address of the site."""
    other = Visitor.__new__(Visitor)
    other.url, other.http, other.token = url, visitor.http, visitor.token
    return other


def test_what_either_machine_answers_is_in_the_history_of_both(machines: Machines, coffee: bytes) -> None:
    before = predictions(machines)
    visitor = Visitor(machines.url)
    answers = [visitor.upload(coffee) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [303] * 4
    assert all(now > then for now, then in zip(predictions(machines), before, strict=True))
    for site in machines.sites:
        there = at(visitor, site.url)
        assert there.answers() == 4
        for answer in answers:
            assert there.get(answer.headers["Location"]).ok
            assert there.get(answer.headers["Location"] + "/photo").ok


def test_a_form_of_one_machine_is_taken_by_the_other_and_a_row_comes_back_by_either(
    machines: Machines, coffee: bytes
) -> None:
    first = at(Visitor(machines.url), machines.sites[0].url)
    second = at(first, machines.sites[1].url)
    location = first.upload(coffee).headers["Location"]
    assert second.send(f"{HISTORY}/delete", row=location.rpartition("/")[2]).status_code == 303
    assert first.answers() == 0
    [discarded] = re.findall(r'name="discarded" value="(\d+)"', first.get(HISTORY).text)
    assert second.send(f"{HISTORY}/undo", discarded=discarded).status_code == 303
    assert first.answers() == second.answers() == 1


def test_a_correction_at_one_machine_is_seen_at_the_other(machines: Machines, coffee: bytes) -> None:
    first = at(Visitor(machines.url), machines.sites[0].url)
    location = first.upload(coffee).headers["Location"]
    assert first.send(f"{location}/correct", answer="not_a_product").status_code == 303
    page = at(first, machines.sites[1].url).get(location).text
    assert "Not a product" in page.partition('id="correction"')[2]


def test_a_visitor_has_one_rate_at_both_machines(machines: Machines, redis_url: str, coffee: bytes) -> None:
    url = f"{machines.url}/api/v1/predictions"
    with Redis.from_url(redis_url) as redis:
        for key in redis.scan_iter("LIMIT*"):
            redis.set(key, 998, keepttl=True)
    statuses = []
    while 429 not in statuses and len(statuses) < 10:
        statuses.append(requests.post(url, files={"image": coffee}, timeout=TIMEOUT_SECONDS).status_code)
    with Redis.from_url(redis_url) as redis:
        for key in redis.scan_iter("LIMIT*"):
            redis.delete(key)
    assert statuses[-1] == 429
    assert len(statuses) <= 3


def test_when_a_machine_is_killed_nothing_that_was_answered_is_lost(
    machines: Machines, coffee: bytes
) -> None:
    visitors = [Visitor(machines.url) for _ in range(VISITORS)]
    killed, left = machines.sites
    begun = sum(predictions(machines))

    def work(visitor: Visitor) -> list[requests.Response]:
        return [visitor.upload(coffee) for _ in range(PHOTOS)]

    with ThreadPoolExecutor(VISITORS) as pool:
        running = [pool.submit(work, visitor) for visitor in visitors]
        wait_until(lambda: sum(predictions(machines)) > begun + VISITORS)
        os.killpg(killed.process.pid, signal.SIGKILL)
        answers = [each.result() for each in running]
    try:
        assert {answer.status_code for given in answers for answer in given} <= {303, 502, 504}
        for visitor, given in zip(visitors, answers, strict=True):
            kept = [answer.headers["Location"] for answer in given if answer.status_code == 303]
            assert visitor.answers() >= len(kept) > 0
            for location in kept:
                assert visitor.get(location).ok
            assert visitor.upload(coffee).status_code == 303
        assert "Traceback" not in left.log()
        assert metric(left, 'site_requests_total{endpoint="asking.classify",status="500"}') == 0
    finally:
        killed.process.wait()
        killed.start()
