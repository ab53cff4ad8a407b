"""No answer depends on the host that a visitor names."""

import pytest
from flask.testing import FlaskClient


@pytest.mark.parametrize("host", ["a..b", f"{'a' * 64}.b", ".", "a b", "\u00e9" * 9])
def test_a_host_that_can_be_no_name_is_ignored(client: FlaskClient, host: str) -> None:
    assert client.get("/", headers={"Host": host.encode().decode("latin-1")}).status_code == 200


def test_a_forged_host_behind_a_proxy_is_ignored(client: FlaskClient) -> None:
    assert client.get("/", headers={"X-Forwarded-Host": "a..b"}).status_code == 200


@pytest.mark.parametrize("referrer", ["http://[", "http://a..b/", "//", "\x7f"])
def test_a_referrer_that_is_no_address_is_ignored(client: FlaskClient, referrer: str) -> None:
    assert client.post("/", headers={"Referer": referrer}).status_code == 405


@pytest.mark.parametrize(("path", "leads_to"), [("/model", "/model/"), ("/categories/?x=1", "/categories/")])
def test_a_redirect_names_no_host(client: FlaskClient, path: str, leads_to: str) -> None:
    answer = client.get(path, headers={"Host": "evil.example"})
    assert answer.headers["Location"] == leads_to


def test_below_a_prefix_a_redirect_keeps_it(client: FlaskClient) -> None:
    answer = client.get("/model", base_url="http://localhost/shop")
    assert answer.headers["Location"] == "/shop/model/"
