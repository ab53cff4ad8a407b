"""A Redis that is full, read-only, strange or empty: visitors read a sentence, and each fault is counted."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from helpers import counted, csrf_token, upload
from own_redis import OwnRedis
from redis import Redis

from app import create_app
from app.recognition.service import ModelService
from app.settings import DEFAULT_MODEL, Settings

CLASSIFIER, HISTORY = "/classify/", "/classify/history"
DEPENDENCIES = ("sessions", "history", "rate_limits")
MOST_FILLERS = 5000


def visit(redis_url: str, settings: Settings, service: ModelService) -> FlaskClient:
    site = Settings(instance=settings.instance, redis_url=redis_url, rate_limit="100 per minute")
    app = create_app(site)
    app.extensions["site"].models.loaded[DEFAULT_MODEL] = service
    return app.test_client()


@pytest.fixture
def visitor(own_redis: OwnRedis, settings: Settings, service: ModelService) -> FlaskClient:
    return visit(own_redis.url, settings, service)


def degraded() -> dict[str, float]:
    return {name: counted("site_degraded_total", dependency=name) for name in DEPENDENCIES}


@pytest.mark.parametrize(("break_it", "missed"), [
    (OwnRedis.fill_up, "history"),
    (OwnRedis.become_a_replica, "history"),
    (OwnRedis.ask_for_a_password, "sessions"),  # which comes before the history
])  # fmt: skip
def test_whatever_redis_refuses_visitors_get_answers_and_sentences_and_each_fault_is_counted(
    visitor: FlaskClient,
    own_redis: OwnRedis,
    coffee: bytes,
    break_it: Callable[[OwnRedis], None],
    missed: str,
) -> None:
    location = upload(visitor, coffee).location
    token = csrf_token(visitor)
    before = degraded()
    break_it(own_redis)
    answer = upload(visitor, coffee)
    assert answer.status_code == 200
    assert "not kept" in answer.text
    for path in (CLASSIFIER, HISTORY, location):
        assert visitor.get(path).status_code in {200, 503}
    for path, sentence in (
        (f"{location}/correct", "right now"),
        (f"{location}/delete", "The history cannot be reached right now."),
        ("/classify/clear", "The history cannot be reached right now."),
    ):
        refused = visitor.post(path, data={"csrf_token": token, "answer": "not_a_product"})
        assert (refused.status_code, sentence in refused.text) == (503, True)
    now = degraded()
    assert all(now[name] > before[name] for name in (missed, "rate_limits"))


def test_with_a_wrong_password_for_redis_answers_are_not_kept_and_no_log_tells_the_password(
    own_redis: OwnRedis,
    settings: Settings,
    service: ModelService,
    coffee: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    own_redis.ask_for_a_password()
    before = degraded()
    visitor = visit(own_redis.url.replace("//", "//:wrong-one@"), settings, service)
    answer = upload(visitor, coffee)
    assert (answer.status_code, "not kept" in answer.text) == (200, True)
    assert degraded()["history"] > before["history"]
    assert "invalid username-password pair" in caplog.text
    assert "wrong-one" not in caplog.text


def test_after_redis_lost_everything_visitors_begin_anew_and_the_form_that_they_see_still_works(
    visitor: FlaskClient, own_redis: OwnRedis, coffee: bytes
) -> None:
    location = upload(visitor, coffee).location
    token = csrf_token(visitor)
    own_redis.kill()
    own_redis.start()
    assert visitor.get(location).status_code == 404
    again = upload(visitor, coffee, csrf_token=token)
    assert again.status_code == 303
    assert visitor.get(again.location).status_code == 200
    assert visitor.get(HISTORY).text.count('class="thumbnail"') == 1


def test_whatever_a_redis_that_evicts_throws_away_no_page_is_a_fault(
    visitor: FlaskClient, own_redis: OwnRedis, coffee: bytes
) -> None:
    kept, deleted = (upload(visitor, coffee).location for _ in range(2))
    token = csrf_token(visitor)
    visitor.post(f"{deleted}/delete", data={"csrf_token": token})
    visitor.post(f"{kept}/correct", data={"csrf_token": token, "answer": "not_a_product"})
    with Redis.from_url(own_redis.url) as redis:
        ours = {*redis.scan_iter()}
        redis.config_set("maxmemory-policy", "allkeys-lru")
        redis.config_set("maxmemory", redis.info("memory")["used_memory"] + 300_000)
        for number in range(MOST_FILLERS):
            redis.set(f"filler:{number}", bytes(20_000))
            left = {key for key in redis.scan_iter() if not key.startswith(b"filler")}
            if left == ours:
                continue
            ours = left
            for path in (CLASSIFIER, HISTORY, kept, f"{kept}/photo", deleted):
                assert visitor.get(path).status_code in {200, 404}
            if not {key for key in left if b"history" in key}:
                break
        assert redis.info("stats")["evicted_keys"] > 0
    assert upload(visitor, coffee).status_code == 303
