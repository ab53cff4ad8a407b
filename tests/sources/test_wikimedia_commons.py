import json

import pytest
from local_sources import COMMONS, draw_picture, json_answer

from app.errors import UrlUnavailable
from app.sources.fetch import Deadline


def change(page, **fields):
    """Copy a page with other fields of its picture."""
    return {**page, "imageinfo": [page["imageinfo"][0] | fields]}


def search(commons, wikimedia, *pages):
    """List what a category with these pages gives."""
    commons.answers[COMMONS] = json_answer({"query": {"pages": list(pages)}})
    return wikimedia.search(Deadline())


def test_a_search_lists_files_with_title_credit_licence_and_page(commons, wikimedia):
    origin = wikimedia.search(Deadline())[2].origin
    assert (origin.source, origin.title, origin.credit) == ("Wikimedia Commons", "Teapot 2", "Ann & Bo")
    assert (origin.licence, origin.licence_url) == (
        "CC BY 4.0",
        "https://creativecommons.org/licenses/by/4.0",
    )
    assert origin.page_url == f"{commons.url}/wiki/File%3ATeapot_2.jpg"


def test_the_thumbnail_of_a_listed_file_can_be_loaded(wikimedia):
    assert wikimedia.load(wikimedia.search(Deadline())[1], Deadline()) == draw_picture(1)


def test_the_search_is_asked_as_documented(commons, wikimedia):
    wikimedia.search(Deadline())
    assert commons.asked(COMMONS)[0].query == {
        "action": "query",
        "format": "json",
        "formatversion": "2",
        "generator": "categorymembers",
        "gcmtitle": "Category:Teapots",
        "gcmtype": "file",
        "gcmlimit": "50",
        "prop": "imageinfo",
        "iiprop": "url|size|mime|extmetadata",
        "iiurlwidth": "640",
    }


@pytest.mark.parametrize(
    ("artist", "credit"),
    [
        ("<script>alert(1)</script>Ann", "alert(1)Ann"),
        ("<b>Ann</b> <!-- <i> -->of <a href='javascript:alert(1)'>Bo</a>", "Ann of Bo"),
        ("<img src=x onerror=alert(1)>", ""),
        ("Ann\u202e\u2066", "Ann"),
        ("<b>" * 300_000 + "Ann", ""),
        (None, ""),
        (5, ""),
        (["Ann"], ""),
    ],
    ids=["script", "markup", "image", "bidi", "long", "null", "number", "list"],
)
def test_row_20_markup_in_the_artist_is_stripped(commons, wikimedia, artist, credit):
    page = change(commons.pages[0], extmetadata={"Artist": {"value": artist}})
    assert search(commons, wikimedia, page)[0].origin.credit == credit


@pytest.mark.parametrize(
    "said", [None, {}, [], {"LicenseShortName": None}, {"LicenseShortName": {"value": ""}}]
)
def test_a_file_without_a_stated_licence_refers_to_its_page(commons, wikimedia, said):
    (listed,) = search(commons, wikimedia, change(commons.pages[0], extmetadata=said))
    assert (listed.origin.licence, listed.origin.licence_url) == ("licence on its page", "")


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//example.org", None, "https://" * 999]
)
def test_a_licence_is_linked_only_to_the_web(commons, wikimedia, url):
    page = change(commons.pages[0], extmetadata={"LicenseUrl": {"value": url}})
    assert search(commons, wikimedia, page)[0].origin.licence_url == ""


def test_files_that_are_no_photo_are_skipped(commons, wikimedia):
    good = commons.pages[0]
    odd = [
        change(good, mime="image/svg+xml"),
        change(good, mime="application/pdf"),
        change(good, mime=None),
        change(good, thumburl=None),
        {**good, "title": None},
        {**good, "imageinfo": []},
        {**good, "imageinfo": None},
        {"title": "File:Missing.jpg", "missing": True},
        "a string",
        None,
    ]
    assert [listed.origin.title for listed in search(commons, wikimedia, *odd, good)] == ["Teapot 0"]


def test_an_empty_category_lists_nothing(commons, wikimedia):
    commons.answers[COMMONS] = json_answer({"batchcomplete": True})
    assert wikimedia.search(Deadline()) == []


@pytest.mark.parametrize(
    "answer", [{"error": {"code": "maxlag"}}, {"query": {}}, {"query": None}, [], None], ids=json.dumps
)
def test_an_answer_without_pages_is_refused(commons, wikimedia, answer):
    commons.answers[COMMONS] = json_answer(answer)
    with pytest.raises(UrlUnavailable):
        wikimedia.search(Deadline())
