"""Filters, search, order and counts over the summaries of a history; photos seen before."""

import io
import json

import pytest
from made_up import entry_of
from msgspec import structs
from PIL import Image, ImageEnhance
from skimage import data

from app.history.duplicates import find_earlier
from app.history.summary import Summary, dump_summary, load_summaries, summarise
from app.history.worklist import ROWS_PER_PAGE, Query, search
from app.recognition.photos import fingerprint, open_photo, perceptual_hash
from app.recognition.words import fold_text


def summary(
    number: int, name: str = "Mug", verdict: str = "sure", probability: float = 0.5, right: str = ""
) -> Summary:
    """Make the summary of an entry that came `number` seconds after the first."""
    words = fold_text(f"{name} en français")
    return Summary(
        id=str(number),
        created=float(number),
        verdict=verdict,
        category=name.lower(),
        name=name,
        probability=probability,
        source="upload",
        words=words,
        fingerprint=f"f{number}",
        dhash=0,
        right=right,
    )


ROWS = [
    summary(4, "Théière", "unsure", 0.2),
    summary(3, "Mug", "unsure", 0.9),
    summary(2, "Théière", "sure", 0.7),
    summary(1, "Étagère", "sure", 0.4),
]


def found(query: Query) -> list[int]:
    return [int(row.id) for row in search(ROWS, query).found]


@pytest.mark.parametrize(("query", "expected"), [
    (Query(), [4, 3, 2, 1]),
    (Query(verdict="sure"), [2, 1]),
    (Query(verdict="sure", category="théière"), [2]),
    (Query(text="THEI"), [4, 2]),
    (Query(text="frança mu"), [3]),
    (Query(text="mug théière"), []),
    (Query(sort="oldest"), [1, 2, 3, 4]),
    (Query(sort="surest"), [3, 2, 1, 4]),
    (Query(sort="least_sure", verdict="unsure"), [4, 3]),
    (Query(sort="category"), [1, 3, 4, 2]),
])  # fmt: skip
def test_a_query_finds_its_rows_in_order(query: Query, expected: list[int]) -> None:
    assert found(query) == expected


@pytest.mark.parametrize("text", ["groceries", "épicerie", "tartiner", "TARTINAGE"])
def test_a_search_looks_in_the_path_in_both_languages_and_in_the_words_of_the_tree(text: str) -> None:
    path = ["EPICERIE", "TARTINAGE SUCRE", "CONFITURE"]
    jam = entry_of([{"name": "Jam", "name_fr": "Confiture", "path": path, "probability": 0.5}])
    assert len(search([summarise(jam), *ROWS], Query(text=text)).found) == 1


@pytest.mark.parametrize("text", ["boeuf", "bœuf", "BŒUF", "BOEUF"])
def test_a_ligature_is_two_letters(text: str) -> None:
    rows = [summary(1, "Bœuf"), summary(2, "BOEUF"), summary(3, "Mug")]
    assert [row.id for row in search(rows, Query(text=text)).found] == ["2", "1"]


@pytest.mark.parametrize(("verdict", "right", "review"), [
    ("sure", "", ""),
    ("unsure", "", "to_review"),
    ("no_category", "", "to_review"),
    ("", "", ""),  # from before there were verdicts
    ("unsure", "mug", "confirmed"),
    ("sure", "pot", "corrected"),
])  # fmt: skip
def test_a_doubtful_answer_is_to_review_until_somebody_says_what_is_right(
    verdict: str, right: str, review: str
) -> None:
    row = summary(1, verdict=verdict, right=right)
    assert row.review == review
    assert search([row], Query(review="to_review")).counts["review"] == {review: 1}


def test_rows_are_filtered_by_their_review() -> None:
    rows = [summary(1, verdict="unsure"), summary(2, verdict="unsure", right="mug"), summary(3, right="pot")]
    found = {
        review: [row.id for row in search(rows, Query(review=review)).found]
        for review in ("to_review", "confirmed", "corrected")
    }
    assert found == {"to_review": ["1"], "confirmed": ["2"], "corrected": ["3"]}


def test_a_summary_of_the_version_before_can_be_read() -> None:
    *values, _ = json.loads(dump_summary(ROWS[0]))
    assert load_summaries([json.dumps(values).encode()]) == ROWS[:1]


def test_counts_say_what_another_value_of_the_same_filter_would_find() -> None:
    worklist = search(ROWS, Query(verdict="sure", category="théière"))
    assert worklist.counts["verdict"] == {"sure": 1, "unsure": 1}
    assert worklist.counts["category"] == {"théière": 1, "étagère": 1}
    assert (len(worklist.found), worklist.total) == (1, 4)


@pytest.mark.parametrize(("rows", "pages"), [(0, 1), (1, 1), (25, 1), (26, 2), (51, 3)])
def test_every_row_is_on_one_page(rows: int, pages: int) -> None:
    worklist = search([summary(number) for number in range(rows)], Query())
    assert worklist.pages == pages
    assert [row for number in range(1, pages + 1) for row in worklist.page(number)] == worklist.found


def test_summaries_come_back_as_they_were_written() -> None:
    assert load_summaries(dump_summary(row) for row in ROWS) == ROWS
    assert load_summaries([]) == []


def seen(*hashes: tuple[str, str]) -> list[Summary]:
    """Make the history, newest first, of photos given newest first by fingerprint and perceptual hash."""
    rows = [summary(number) for number in range(len(hashes), 0, -1)]
    return [
        structs.replace(row, fingerprint=fingerprint, dhash=int(dhash, 16))
        for row, (fingerprint, dhash) in zip(rows, hashes, strict=True)
    ]


ALIKE, UNLIKE = "000000000000000f", "00000000000000ff"  # 4 and 8 bits away from zero
ZERO = "0" * 16


def test_the_first_row_of_the_same_photo_is_found_before_one_that_looks_alike() -> None:
    rows = seen(("a", ZERO), ("b", ZERO), ("a", ZERO), ("a", ZERO))
    earlier = find_earlier(rows, [rows[0].id])
    assert (earlier[rows[0].id].id, earlier[rows[0].id].exact) == (rows[3].id, True)


def test_the_likest_of_the_earlier_photos_is_found() -> None:
    rows = seen(("a", ZERO), ("b", ALIKE), ("c", "0" * 15 + "1"), ("d", ALIKE))
    earlier = find_earlier(rows, [row.id for row in rows])
    assert (earlier[rows[0].id].id, earlier[rows[0].id].exact) == (rows[2].id, False)


@pytest.mark.parametrize("rows", [
    seen(("a", ZERO)),
    seen(("a", ZERO), ("b", UNLIKE)),
    [],
])  # fmt: skip
def test_a_photo_that_is_new_has_no_earlier_one(rows: list[Summary]) -> None:
    assert find_earlier(rows, [row.id for row in rows]) == {}


def test_an_earlier_row_is_found_on_its_page() -> None:
    rows = seen(*((str(number), f"{number * 0x0101_0101_0101:016x}") for number in range(61)), ("0", ZERO))
    assert find_earlier(rows, [rows[0].id])[rows[0].id].page == 61 // ROWS_PER_PAGE + 1


def test_copies_of_a_picture_have_one_fingerprint_whatever_file_they_are_in() -> None:
    picture = Image.fromarray(data.coffee())
    files = []
    for kind in ("PNG", "WEBP"):
        file = io.BytesIO()
        picture.save(file, kind, lossless=True)
        files.append(open_photo(file.getvalue()))
    assert fingerprint(files[0]) == fingerprint(files[1])
    assert fingerprint(picture) != fingerprint(picture.crop((0, 0, 599, 400)))


def test_pictures_that_look_alike_have_hashes_a_few_bits_apart() -> None:
    coffee = Image.fromarray(data.coffee())
    copies = [
        coffee.resize((300, 200)),
        coffee.convert("L").convert("RGB"),
        ImageEnhance.Brightness(coffee).enhance(1.1),
    ]
    apart = [
        (int(perceptual_hash(coffee), 16) ^ int(perceptual_hash(copy), 16)).bit_count() for copy in copies
    ]
    assert max(apart) <= 4
    other = Image.fromarray(data.astronaut())
    assert (int(perceptual_hash(coffee), 16) ^ int(perceptual_hash(other), 16)).bit_count() > 4
