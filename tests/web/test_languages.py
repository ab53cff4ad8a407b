"""French and English: whose language a page is in, and how the switch remembers it."""

import io
import json
import re

import pytest
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from helpers import cookie_name, csrf_token

from app.errors import AppError
from app.recognition.photos import PHOTO_FAULTS
from app.texts import Text
from app.web.languages import COOKIE, TranslatedJson, stored_sentence
from app.web.template_filters import number, percent, percentage

FRENCH = {"Accept-Language": "fr-FR,fr;q=0.9,en;q=0.5"}
CACHEABLE = ["/source/", "/categories/", "/categories/1000010379"]
HEELS = "/categories/1000010379"


def test_a_french_browser_gets_french_at_once(client: FlaskClient) -> None:
    page = client.get("/", headers=FRENCH).text
    assert '<html lang="fr">' in page
    assert "Quel produit voit" in page


@pytest.mark.parametrize("languages", ["", "de", "en-GB,fr;q=0.5"])
def test_any_other_browser_gets_english(client: FlaskClient, languages: str) -> None:
    assert '<html lang="en">' in client.get("/", headers={"Accept-Language": languages}).text


def test_the_case_of_a_language_does_not_matter(client: FlaskClient) -> None:
    assert '<html lang="fr">' in client.get("/", headers={"Accept-Language": "FR"}).text


def test_no_page_keeps_the_language_of_an_earlier_visitor(client: FlaskClient) -> None:
    assert "58,31\N{NO-BREAK SPACE}%" in client.get("/", headers=FRENCH).text
    assert "58.31 %" in client.get("/").text
    assert "Pas sûr" in client.get("/model/", headers=FRENCH).text
    assert "Pas sûr" not in client.get("/model/").text


@pytest.mark.parametrize("path", ["/", "/categories/?q=caf%C3%A9&department=SPORT", "/no/such/page"])
def test_the_switch_leads_back_to_the_page_in_the_other_language(client: FlaskClient, path: str) -> None:
    page = client.get(path).text
    address = re.search(r'href="(/language/fr[^"]*)"', page)
    assert address
    answer = client.get(address[1].replace("&amp;", "&"))
    assert answer.status_code == 303
    assert answer.location == path
    assert '<html lang="fr">' in client.get(path).text


def test_the_switch_names_each_language_in_itself_and_marks_the_current_one(client: FlaskClient) -> None:
    page = client.get("/", headers=FRENCH).text
    links = re.findall(
        r'lang="(..)" hreflang="(..)" rel="nofollow" title="(\w+)"( aria-current="true")?>(\w+)</a>', page
    )
    current = ' aria-current="true"'
    assert links == [("en", "en", "English", "", "EN"), ("fr", "fr", "Français", current, "FR")]


def test_the_choice_outweighs_the_browser_and_needs_no_session(client: FlaskClient) -> None:
    answer = client.get("/language/en")
    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith(f"{COOKIE}=en; ")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert '<html lang="en">' in client.get("/", headers=FRENCH).text
    assert client.get_cookie(cookie_name(client), path="/classify/") is None


def test_an_unknown_language_is_not_found(client: FlaskClient) -> None:
    assert client.get("/language/de").status_code == 404


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/\\evil.example", "/\t/evil.example"]
)
def test_the_switch_leads_to_no_other_site(client: FlaskClient, back: str) -> None:
    location = client.get("/language/fr", query_string={"back": back}).location
    assert re.fullmatch(r"/([^/\\\s].*)?", location)


@pytest.mark.parametrize(("referrer", "back"), [
    ("http://localhost/classify/history?verdict=sure", "/classify/history?verdict%3Dsure"),
    ("https://evil.example/classify/", "/"),
    ("", "/"),
])  # fmt: skip
def test_a_page_that_answers_a_form_leads_back_to_the_form(
    client: FlaskClient, referrer: str, back: str
) -> None:
    form = {"csrf_token": csrf_token(client)}
    page = client.post("/classify/history/delete", data=form, headers={"Referer": referrer}).text
    assert f'href="/language/fr?back={back}"' in page


@pytest.mark.parametrize("path", CACHEABLE)
def test_what_may_be_kept_is_kept_for_each_language(client: FlaskClient, path: str) -> None:
    english, french = client.get(path), client.get(path, headers=FRENCH)
    assert english.headers["ETag"] != french.headers["ETag"]
    for answer in (english, french):
        assert {"accept-language", "cookie"} <= set(answer.vary.as_set())
    known = {"If-None-Match": english.headers["ETag"]}
    unchanged = client.get(path, headers=known)
    assert unchanged.status_code == 304
    assert {"accept-language", "cookie"} <= set(unchanged.vary.as_set())
    assert client.get(path, headers=FRENCH | known).status_code == 200


def test_a_category_is_called_by_its_name_in_the_visitors_language_first(client: FlaskClient) -> None:
    assert re.search(
        r"<h1>High heels</h1>\s*<p [^>]*lang=\"fr\">Chaussures à talons<", client.get(HEELS).text
    )
    french = client.get(HEELS, headers=FRENCH).text
    assert re.search(r"<h1>Chaussures à talons</h1>\s*<p [^>]*lang=\"en\">High heels<", french)


def test_the_api_answers_in_french_on_request_and_its_codes_stay(client: FlaskClient) -> None:
    path = "/api/v1/predictions"
    assert client.post(path).json["error"]["message"].startswith("No photo arrived: the request has no body.")
    error = client.post(path, headers=FRENCH).json["error"]
    assert error["code"] == "no_image"
    assert error["message"].startswith("Aucune photo")


def test_the_api_says_in_french_where_it_looked(client: FlaskClient, coffee: bytes) -> None:
    form = {"image": (io.BytesIO(coffee), "coffee.jpg"), "heatmap": "1"}
    answer = client.post("/api/v1/predictions", data=form, headers=FRENCH).json
    words = [guess["heatmap"]["words"] for guess in answer["results"][0]["predictions"]]
    assert all(re.match("surtout|partout|nulle part", sentence) for sentence in words)


@pytest.mark.parametrize("fault", PHOTO_FAULTS)
def test_a_fault_that_the_history_stored_in_english_is_said_in_french(
    app: Flask, fault: type[AppError]
) -> None:
    stored = json.loads(json.dumps(fault().to_json()))["message"]
    with app.test_request_context(headers=FRENCH):
        said = stored_sentence(stored)
    assert stored == fault.sentence
    assert said != stored
    assert "%" not in said


def test_an_error_with_values_in_it_is_translated_with_them(client: FlaskClient) -> None:
    message = client.post(
        "/api/v1/predictions", data={"url": ["https://a.example"] * 9}, headers=FRENCH
    ).json["error"]["message"]
    assert message == "Une requête peut donner au plus 8 adresses."


def test_sentences_inside_sentences_are_translated(app: Flask) -> None:
    parts = (Text("the top"), Text("the left"))
    words = Text("mostly %(parts)s and %(last)s", parts=parts, last=Text("the centre"))
    assert words == "mostly the top, the left and the centre"
    with app.test_request_context(headers=FRENCH):
        written = TranslatedJson(app).dumps({"words": [words]})
    assert json.loads(written) == {"words": ["surtout en haut, à gauche et au centre"]}


def test_values_in_a_text_of_a_template_are_escaped_and_signs_are_not_doubled(app: Flask) -> None:
    template = '{{ _("%(place)s, perhaps %(category)s", place=name, category="5 %") }}'
    with app.test_request_context(headers=FRENCH):
        assert render_template_string(template, name="<b>") == "&lt;b&gt;, peut-être 5 %"
        assert render_template_string('{{ _("100 %%") }}') == "100 %"


def test_numbers_are_written_as_french_writes_them(app: Flask) -> None:
    with app.test_request_context(headers=FRENCH):
        assert number(12345.678, 1) == "12\N{NARROW NO-BREAK SPACE}345,7"
        assert percentage(0.934, 1) == "93,4\N{NO-BREAK SPACE}%"
        assert percent(1.0) == "> 99,9\N{NO-BREAK SPACE}%"
