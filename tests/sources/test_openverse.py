import json

import pytest
from local_sources import CONTACT, IMAGES, TOKEN, Answer, draw_picture, json_answer

from app.errors import UrlUnavailable
from app.sources.fetch import Deadline, Fetcher
from app.sources.openverse import CLIENT, MAX_PAGES, OPEN, Openverse


def search(images, openverse, *rows):
    """List what a page with these results gives."""
    images.answers[IMAGES] = json_answer({"result_count": len(rows), "page_count": 1, "results": list(rows)})
    return openverse.search("teapot", 1, Deadline()).photos


def with_client(images, secret="secret") -> Openverse:
    images.tokens.add("none that anybody has")
    return Openverse(images.url, Fetcher(CONTACT, images.url), "client", secret)


def test_a_search_lists_photos_with_title_credit_licence_and_page(openverse):
    found = openverse.search("teapot", 1, Deadline())
    assert (len(found.photos), found.pages) == (20, 3)
    origin = found.photos[2].origin
    assert (origin.source, origin.title, origin.credit) == ("Openverse", "teapot 2", "Ann")
    assert origin.licence == "CC BY-SA 4.0"
    assert origin.licence_url == "https://creativecommons.org/licenses/by-sa/4.0/"
    assert origin.page_url == "https://photos.example.org/2"


def test_the_thumbnail_of_a_listed_photo_is_loaded(openverse):
    found = openverse.search("teapot", 2, Deadline())
    assert openverse.load(found.photos[1], Deadline()) == draw_picture(21)


def test_the_search_is_asked_as_documented(images, openverse):
    openverse.search("soccer ball", 2, Deadline())
    (request,) = images.asked(IMAGES)
    assert request.query == {
        "q": "soccer ball",
        "category": "photograph",
        "mature": "false",
        "page_size": "20",
        "page": "2",
    }
    assert request.headers["Authorization"] is None


@pytest.mark.parametrize(
    ("code", "version", "licence"),
    [
        ("by-nc-nd", "2.0", "CC BY-NC-ND 2.0"),
        ("cc0", "1.0", "CC0 1.0"),
        ("pdm", "1.0", "Public Domain Mark 1.0"),
        ("by", None, "CC BY"),
    ],
)
def test_a_licence_is_written_as_people_write_it(images, openverse, code, version, licence):
    row = images.make_photo(1) | {"license": code, "license_version": version}
    assert search(images, openverse, row)[0].origin.licence == licence


def test_a_photo_without_a_thumbnail_is_loaded_from_its_own_address(images, openverse):
    row = images.make_photo(1)
    for thumbnail in (None, 5):
        assert search(images, openverse, row | {"thumbnail": thumbnail})[0].where == row["url"]


def test_what_is_missing_of_a_photo_is_left_out(images, openverse):
    url = f"{images.url}/a.jpg"
    origin = search(images, openverse, {"url": url, "license": "by"})[0].origin
    assert (origin.title, origin.credit, origin.licence) == ("Openverse", "", "CC BY")
    assert (origin.licence_url, origin.page_url) == ("", "")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//example.org", None, 5, "https://" * 999])
def test_a_page_is_linked_only_to_the_web(images, openverse, url):
    row = images.make_photo(1) | {"foreign_landing_url": url, "license_url": url}
    origin = search(images, openverse, row)[0].origin
    assert (origin.page_url, origin.licence_url) == ("", "")


def test_row_20_markup_and_marks_in_a_title_stay_text_on_one_line(images, openverse):
    row = images.make_photo(1) | {"title": "<b>Pot\u202e\n2", "creator": "x" * 10_000}
    origin = search(images, openverse, row)[0].origin
    assert (origin.title, len(origin.credit)) == ("<b>Pot 2", 200)


def test_photos_that_cannot_be_shown_are_skipped(images, openverse):
    good = images.make_photo(1)
    odd = [
        good | {"mature": True},
        good | {"license": None},
        good | {"license": ""},
        good | {"width": 199},
        good | {"height": 20},
        {**good, "thumbnail": None, "url": None},
        {},
        "a string",
        None,
    ]
    assert [listed.origin.title for listed in search(images, openverse, *odd, good)] == ["teapot 1"]


def test_words_that_find_nothing_have_no_pages(images, openverse):
    images.answers[IMAGES] = json_answer({"result_count": 0, "page_count": 0, "results": []})
    assert openverse.search("teapot", 1, Deadline()).pages == 0


@pytest.mark.parametrize(("count", "pages"), [(5, 5), (10**30, MAX_PAGES), (-5, 1), ("many", 1), (None, 1)])
def test_the_number_of_pages_is_bounded(images, openverse, count, pages):
    images.answers[IMAGES] = json_answer({"page_count": count, "results": [images.make_photo(1)]})
    assert openverse.search("teapot", 1, Deadline()).pages == pages


@pytest.mark.parametrize("answer", [{"detail": "Invalid"}, {"results": None}, [], None], ids=json.dumps)
def test_an_answer_without_results_is_refused(images, openverse, answer):
    images.answers[IMAGES] = json_answer(answer)
    with pytest.raises(UrlUnavailable):
        openverse.search("teapot", 1, Deadline())


def test_a_refused_search_tells_how_long_to_wait(images, openverse):
    images.answers[IMAGES] = Answer(429, body=b'{"detail":"throttled"}', headers={"Retry-After": "1800"})
    with pytest.raises(UrlUnavailable) as fault:
        openverse.search("teapot", 1, Deadline())
    assert fault.value.retry_after == 1800


def test_a_registered_client_asks_for_a_token_once_and_sends_it_with_each_search(images):
    openverse = with_client(images)
    for page in (1, 2):
        openverse.search("teapot", page, Deadline())
    (asked,) = images.asked(TOKEN)
    assert asked.query == {
        "grant_type": "client_credentials",
        "client_id": "client",
        "client_secret": "secret",
    }
    assert {request.headers["Authorization"] for request in images.asked(IMAGES)} == {"Bearer token-1"}


def test_a_token_goes_to_searches_alone(images):
    openverse = with_client(images)
    openverse.load(openverse.search("teapot", 1, Deadline()).photos[0], Deadline())
    assert images.requests[-1].headers["Authorization"] is None


def test_a_token_is_not_passed_on_by_a_redirect(images):
    images.answers["/moved"] = json_answer({"results": []})
    images.answers[IMAGES] = Answer(302, headers={"Location": f"{images.url}/moved"})
    with_client(images).search("teapot", 1, Deadline())
    assert images.asked("/moved")[0].headers["Authorization"] is None


def test_a_token_that_is_about_to_end_is_replaced(images):
    images.lasts = 30
    openverse = with_client(images)
    for _ in range(2):
        openverse.search("teapot", 1, Deadline())
    assert [request.headers["Authorization"] for request in images.asked(IMAGES)] == [
        "Bearer token-1",
        "Bearer token-2",
    ]


def test_a_token_that_is_refused_is_replaced_with_the_next_search(images):
    openverse = with_client(images)
    openverse.search("teapot", 1, Deadline())
    images.tokens.remove("token-1")
    with pytest.raises(UrlUnavailable):
        openverse.search("teapot", 1, Deadline())
    assert openverse.search("teapot", 1, Deadline()).photos


@pytest.mark.parametrize("secret", ["wrong"])
def test_a_client_that_is_not_known_searches_nothing(images, secret):
    with pytest.raises(UrlUnavailable):
        with_client(images, secret).search("teapot", 1, Deadline())
    assert images.asked(IMAGES) == []


@pytest.mark.parametrize(
    "answer",
    [{}, None, {"access_token": 5}, {"access_token": "a\nb"}, {"access_token": "é"}],
    ids=json.dumps,
)
def test_an_answer_without_a_usable_token_is_refused(images, answer):
    images.answers[TOKEN] = json_answer(answer)
    with pytest.raises(UrlUnavailable):
        with_client(images).search("teapot", 1, Deadline())


def test_a_registered_client_may_search_more_often(images, openverse):
    assert openverse.limits == OPEN
    assert with_client(images).limits == CLIENT
