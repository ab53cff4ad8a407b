"""Each request has an id, and the log a line about it that tells nothing of the visitor."""

import io
import json
import logging
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pythonjsonlogger.json import JsonFormatter

from app.web.logs import CONFIG, HEADER, RequestId


@pytest.fixture
def lines(app: Flask) -> Any:  # noqa: ARG001  # logging is the site's own business, but this
    """Collect the lines of the log as the site writes them."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    options = CONFIG["formatters"]["json"]
    handler.setFormatter(JsonFormatter(options["fmt"], rename_fields=options["rename_fields"]))
    handler.addFilter(RequestId())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)


def test_a_request_keeps_the_id_it_came_with(client: FlaskClient) -> None:
    assert client.get("/livez", headers={HEADER: "from-the.proxy_1"}).headers[HEADER] == "from-the.proxy_1"


def test_every_request_has_an_id_of_its_own(client: FlaskClient) -> None:
    first, second = (client.get("/no/such/page").headers[HEADER] for _ in range(2))
    assert first != second
    assert len(first) == 16


@pytest.mark.parametrize("forged", ["", "a b", "<script>", "x" * 65, '{"level":"ERROR"}', "é"])
def test_an_id_that_could_forge_something_is_replaced(client: FlaskClient, forged: str) -> None:
    given = client.get("/livez", headers={HEADER: forged}).headers[HEADER]
    assert given != forged
    assert len(given) == 16


def test_the_log_has_one_json_line_a_request_with_its_id(client: FlaskClient, lines: Any) -> None:
    request_id = client.get("/categories/?q=secret").headers[HEADER]
    [line] = lines()
    assert (line["level"], line["message"], line["method"]) == ("INFO", "answered", "GET")
    assert (line["route"], line["status"]) == ("/categories/", 200)
    assert line["request_id"] == request_id
    assert line["milliseconds"] > 0


def test_a_warning_carries_the_id_of_its_request(client: FlaskClient, app: Flask, lines: Any) -> None:
    class Gone:
        def missing(self) -> list[str]:
            logging.getLogger("anything").warning("it is\nlate")
            return []

    app.extensions["site"].dependencies = Gone()
    client.get("/readyz", headers={HEADER: "abc"})
    warning = next(line for line in lines() if line["level"] == "WARNING")
    assert (warning["message"], warning["request_id"]) == ("it is\nlate", "abc")


def test_the_log_contains_neither_who_asked_nor_what_was_sent(
    client: FlaskClient, coffee: bytes, lines: Any
) -> None:
    client.post(
        "/api/v1/predictions?parameter=1",
        data={"image": (io.BytesIO(coffee), "holiday-of-ann.jpg")},
        environ_base={"REMOTE_ADDR": "192.0.2.77"},
        headers={"User-Agent": "Browser of Ann", "Referer": "https://ann.example/"},
    )
    text = json.dumps(lines())
    assert "/api/v1/predictions" in text
    for told in ("192.0.2.77", "holiday", "Ann", "ann.example", "parameter", "JFIF"):
        assert told not in text
