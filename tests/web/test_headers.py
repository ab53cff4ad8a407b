"""The headers that tell browsers what not to do."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.web.headers import CONTENT_SECURITY_POLICY, HEADERS


def pages(app: Flask) -> list[str]:
    simple = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or set()) and not rule.arguments
    ]
    return [
        *simple,
        "/static/base.css",
        "/source/wsgi.py",
        "/no/such/page",
        "/classify/no-such-id",
        "/api/v1/none",
    ]


def test_every_answer_has_every_header_once(app: Flask, client: FlaskClient) -> None:
    for path in pages(app):
        with client.get(path) as answer:
            for name, value in HEADERS.items():
                assert answer.headers.getlist(name) == [value], (path, name)


def test_a_refused_form_has_them_too(client: FlaskClient) -> None:
    answer = client.post("/classify/")
    assert answer.status_code == 403
    assert HEADERS.items() <= dict(answer.headers).items()


def test_nothing_is_allowed_unless_it_is_named() -> None:
    assert CONTENT_SECURITY_POLICY["default-src"] == "'none'"
    assert not any("unsafe" in value or "*" in value for value in CONTENT_SECURITY_POLICY.values())


@pytest.mark.parametrize("path", ["/", "/api/", "/classify/", "/source/wsgi.py", "/model/", "/no/such/page"])
def test_no_page_needs_what_the_policy_forbids(client: FlaskClient, path: str) -> None:
    page = client.get(path).get_data(as_text=True)
    assert "<style" not in page
    assert " style=" not in page
    assert " onerror=" not in page
    assert "<script>" not in page
