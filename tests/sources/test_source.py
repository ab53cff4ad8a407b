import pytest

from app.sources.source import MAX_TITLE, clean_line, strip_markup, web_address


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("  Table \n\t lamp ", "Table lamp"),
        ("Lamp\u202e\u2066gpj\x00\x1b[31m", "Lampgpj[31m"),
        ("Lamp \ud800", "Lamp"),
        ("<b>Lamp</b>", "<b>Lamp</b>"),
        ("é" * 1_000_000, "é" * MAX_TITLE),
        (None, ""),
        (5, ""),
        (["Lamp"], ""),
    ],
    ids=["spaces", "bidi and control", "surrogate", "html", "long", "null", "number", "list"],
)
def test_row_20_a_title_is_one_short_visible_line(name, title):
    assert clean_line(name) == title


def test_row_20_what_only_looks_like_markup_after_stripping_stays_text():
    assert strip_markup("&lt;script&gt;alert(1)&lt;/script&gt;") == "<script>alert(1)</script>"


@pytest.mark.parametrize("url", ["https://a.example/b", "http://a.example"])
def test_an_address_of_the_web_can_be_linked(url):
    assert web_address(url) == url
