"""Which other sites' scripts may call the API."""

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers

from app import create_app
from app.errors import SettingsError
from app.settings import Settings, read_settings

PATH = "/api/v1/predictions"
SHOP = "https://shop.example"


def preflight(client: FlaskClient, origin: str = SHOP) -> Headers:
    wanted = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    return client.options(PATH, headers=wanted).headers


@pytest.fixture
def open_client(settings: Settings) -> FlaskClient:
    return create_app(replace(settings, api_origins=(SHOP,), rate_limit="1 per hour")).test_client()


def test_without_the_setting_no_other_site_may_call(client: FlaskClient) -> None:
    assert "Access-Control-Allow-Origin" not in preflight(client)


def test_a_named_site_may_call_and_others_may_not(open_client: FlaskClient) -> None:
    allowed = preflight(open_client)
    assert allowed["Access-Control-Allow-Origin"] == SHOP
    assert "authorization" in allowed["Access-Control-Allow-Headers"].lower()
    assert "Access-Control-Allow-Origin" not in preflight(open_client, "https://shop.example.evil.example")


def test_asking_for_leave_costs_nothing(open_client: FlaskClient) -> None:
    for _ in range(5):
        assert preflight(open_client)["Access-Control-Allow-Origin"] == SHOP
    answer = open_client.post(PATH, headers={"Origin": SHOP})
    assert answer.status_code == 400


def test_a_refusal_can_be_read_by_the_site_too(open_client: FlaskClient) -> None:
    answers = [open_client.post(PATH, headers={"Origin": SHOP}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [400, 429]
    assert answers[1].headers["Access-Control-Allow-Origin"] == SHOP
    assert "Retry-After" in answers[1].headers["Access-Control-Expose-Headers"]


def test_no_page_of_the_site_can_be_read_by_another(open_client: FlaskClient) -> None:
    answer = open_client.get("/classify/", headers={"Origin": SHOP})
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    "origins", ["shop.example", "https://shop.example/", "https://*.example", "*,https://a.b"]
)
def test_what_is_no_origin_stops_the_start(origins: str) -> None:
    with pytest.raises(SettingsError, match="API_ORIGINS"):
        read_settings({"API_ORIGINS": origins})
