"""Light and dark: what the switch remembers, and for whom."""

import pytest
from flask.testing import FlaskClient

DARK = '<html lang="en" data-theme="dark">'


def test_the_chosen_theme_holds_on_every_page_and_leads_back_to_this_one(client: FlaskClient) -> None:
    answer = client.get("/theme/dark", query_string={"back": "/categories/?q=ball"})
    assert (answer.status_code, answer.location) == (303, "/categories/?q=ball")
    for path in ("/", "/classify/", "/nothing/here"):
        assert DARK in client.get(path).text


def test_no_page_keeps_the_theme_of_an_earlier_visitor(client: FlaskClient) -> None:
    client.get("/theme/dark")
    assert DARK in client.get("/").text
    client.get("/theme/auto")
    assert '<html lang="en">' in client.get("/").text


@pytest.mark.parametrize("back", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_the_switch_leads_to_no_other_site(client: FlaskClient, back: str) -> None:
    assert client.get("/theme/light", query_string={"back": back}).location == "/"


def test_an_unknown_theme_is_not_found(client: FlaskClient) -> None:
    assert client.get("/theme/pink").status_code == 404
