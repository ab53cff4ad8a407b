"""Row 16 for every form there is or will be: without its token nothing is done."""

import io
import re
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from helpers import csrf_token
from werkzeug.routing import Rule

from app.web.error_pages import CSRF_SENTENCE

WITHOUT_SESSION = {
    "api.predictions",
    "feedback_api.feedback",
    "classifier_api.create",
    "classifier_api.predict",
    "classifier_api.delete",
}  # programs send no cookie, so no other site can misuse one


def posts(app: Flask) -> list[Rule]:
    return [
        rule
        for rule in app.url_map.iter_rules()
        if (rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}
    ]


def test_every_route_that_changes_something_asks_for_the_token(app: Flask, client: FlaskClient) -> None:
    rules = [rule for rule in posts(app) if rule.endpoint not in WITHOUT_SESSION]
    assert len(rules) >= 4
    client.get("/classify/")
    for rule in rules:
        path = re.sub("<[^>]+>", "1", rule.rule)
        for form in ({}, {"csrf_token": "forged"}):
            answer = client.post(path, data=form)
            assert answer.status_code == 403, rule
            assert CSRF_SENTENCE in answer.get_data(as_text=True)


def test_a_route_without_the_token_gives_and_takes_no_cookie(app: Flask, client: FlaskClient) -> None:
    client.get("/classify/")
    for rule in posts(app):
        if rule.endpoint in WITHOUT_SESSION:
            assert not rule.rule.startswith("/classify/")  # the cookie's path
            assert "Set-Cookie" not in client.open(rule.rule, method=min(rule.methods or ())).headers


@pytest.mark.parametrize(("path", "count"), [("", 2), ("{row}", 4), ("{row}/correct", 1), ("history", 1)])
def test_every_form_on_a_page_carries_the_token(
    client: FlaskClient, coffee: bytes, path: str, count: int
) -> None:
    photo = {"csrf_token": csrf_token(client), "image": (io.BytesIO(coffee), "coffee.jpg")}
    row = client.post("/classify/", data=photo).location.rsplit("/", 1)[1]
    page = client.get(f"/classify/{path.format(row=row)}").get_data(as_text=True)
    forms = re.findall(r'<form[^>]*method="post".*?</form>', page, re.DOTALL)
    assert len(forms) >= count
    assert all('name="csrf_token"' in form for form in forms)


@pytest.mark.parametrize("target", ["////evil.example", "\\\\evil.example", "https://evil.example"])
@pytest.mark.parametrize("name", ["next", "url", "return_to"])
def test_no_parameter_leads_to_another_site(client: FlaskClient, name: str, target: str) -> None:
    """Row 15: no view redirects to another site that a parameter names, and no page links to it."""
    page = client.get("/classify/", query_string={name: target})
    addresses = re.findall(r'(?:href|action|src)="([^"]*)"', page.get_data(as_text=True))
    assert {urlsplit(urljoin("http://localhost/", address)).hostname for address in addresses} == {
        "localhost"
    }
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.get_data(as_text=True))
    assert token
    answer = client.post("/classify/clear", query_string={name: target}, data={"csrf_token": token[1]})
    assert answer.location == "/classify/history"


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "////evil.example",
        "/\\evil.example",
        "/%5cevil.example",
        "//evil.example/classify//",
    ],
)
def test_no_path_leads_to_another_site(client: FlaskClient, path: str) -> None:
    answer = client.get("/", environ_overrides={"PATH_INFO": path})  # else the client takes it for a host
    assert answer.status_code in {404, 308}
    assert answer.headers.get("Location", "http://localhost/").startswith("http://localhost/")
