"""Finding a category by what people call it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from app.recognition.search import search
from app.recognition.taxonomy import Category, Taxonomy, read_taxonomy
from app.settings import ROOT

TREE = Taxonomy((
    Category(1000001, "teapot", "CUISINE", "SERVICE", "CAFETIERE - THEIERE", "Teapot", "Théière"),
    Category(1000002, "coffee", "EPICERIE", "PETIT DEJEUNER", "CAFE - CHICOREE", "Coffee", "Café"),
    Category(1000003, "tennis-ball", "SPORT", "TENNIS", "BALLE", "Tennis ball", "Balle de tennis"),
    Category(1000004, "ping-pong", "MEUBLE", "SALON", "TABLE", "Table tennis table", "Table de ping-pong"),
    Category(2000004, "beef", "EPICERIE", "VIANDE", "BŒUF", "Beef", "Bœuf"),
    Category(2000005, "snowboard", "SPORT", "HIVER", "GLISSE", "Snowboard", "Planche à neige"),
))  # fmt: skip

SHIPPED = read_taxonomy(ROOT / "weights" / "inception-v3" / "taxonomy.csv")


def found_in(taxonomy: Taxonomy, query: str) -> Sequence[str]:
    return [category.slug for category in search(taxonomy, query, len(taxonomy))]


def slugs(query: str, limit: int = 10) -> list[str]:
    return [category.slug for category in search(TREE, query, limit)]


@pytest.mark.parametrize("query", ["café", "CAFE", " cafe\u0301 ", "coffee", "chicorée"])
def test_accents_case_and_language_make_no_difference(query: str) -> None:
    assert slugs(query)[0] == "coffee"


@pytest.mark.parametrize("query", ["boeuf", "bœuf", "BOEUF"])
def test_a_ligature_is_two_letters(query: str) -> None:
    assert slugs(query) == ["beef"]


def test_the_order_of_words_makes_no_difference_and_all_must_match() -> None:
    assert slugs("ball tennis") == slugs("tennis ball") == ["tennis-ball"]
    assert slugs("tennis coffee") == []


def test_a_name_counts_for_more_than_a_path_and_a_whole_word_for_more_than_its_beginning() -> None:
    assert slugs("tennis") == ["tennis-ball", "ping-pong"]
    assert slugs("sport") == ["snowboard", "tennis-ball"]


@pytest.mark.parametrize(("query", "found"), [
    ("1000003", ["tennis-ball"]), ("10000", ["coffee", "teapot", "tennis-ball", "ping-pong"]), ("04", [])
])  # fmt: skip
def test_a_number_or_its_beginning_finds_categories(query: str, found: list[str]) -> None:
    assert slugs(query) == found


def test_an_id_of_another_catalogue_is_found_as_it_is_written() -> None:
    tree = Taxonomy(
        (
            Category("A-12", "x", "X", "", "", "Lamp A", "Lampe"),
            replace(TREE.categories[0], category_id="A/1"),
        )
    )
    assert [found.category_id for found in search(tree, " a-12", 5)] == ["A-12"]
    assert [found.category_id for found in search(tree, "A/1", 5)] == ["A/1"]


def test_the_end_of_a_word_and_a_plural_are_found_too() -> None:
    assert slugs("board") == ["snowboard"]
    assert slugs("teapots") == ["teapot"]


@pytest.mark.parametrize("query", ["", "  ", "?!", "\x00"])
def test_without_a_word_nothing_is_found(query: str) -> None:
    assert slugs(query) == []


def test_no_more_are_found_than_asked_for() -> None:
    assert slugs("e", 2) == slugs("e")[:2]


def test_a_long_query_is_searched_like_any_other() -> None:
    assert slugs("s" * 10_000) == []
    assert slugs("tennis ball " + "s" * 10_000) == []


@pytest.mark.parametrize(("query", "slug"), [
    ("fridge", "refrigerator"), ("frigo", "refrigerator"),
    ("trainers", "casual-shoes"), ("baskets", "casual-shoes"),
    ("cellphone", "mobile-phone"), ("phone", "mobile-phone"),
    ("earphones", "headphones"), ("écouteurs", "headphones"),
    ("couch", "sofa"), ("divan", "sofa"),
    ("kettle", "teapot"), ("bouilloire", "teapot"),
    ("glasses", "sunglasses"), ("télé", "television"), ("bike", "bicycle"), ("lunettes", "sunglasses"),
])  # fmt: skip
def test_everyday_words_of_both_languages_find_a_category_first(query: str, slug: str) -> None:
    assert found_in(SHIPPED, query)[0] == slug


def test_the_beginning_of_a_synonym_finds_a_category_while_somebody_types() -> None:
    assert found_in(SHIPPED, "frid")[0] == "refrigerator"


def test_the_beginning_of_a_word_in_a_path_finds_nothing() -> None:
    (birdhouse,) = (category for category in SHIPPED.categories if category.slug == "birdhouse")
    assert "COUCHAGE" in birdhouse.level2
    assert "birdhouse" not in found_in(SHIPPED, "couch")
    assert found_in(Taxonomy((birdhouse,)), "couchage") == ["birdhouse"]


def test_whole_words_come_before_beginnings_and_names_before_synonyms() -> None:
    names = {"x": "Couchette", "sofa": "Long seat", "y": "My own couch"}
    tree = Taxonomy(tuple(Category(i, slug, "A", "B", "C", names[slug], "") for i, slug in enumerate(names)))
    assert found_in(tree, "own couch") == ["y"]
    assert found_in(tree, "couch") == ["sofa", "y", "x"]


@pytest.mark.parametrize("query", ["groceries", "Épicerie", "EPICERIE", "grocery", "food"])
def test_the_name_of_a_department_brings_everything_in_it(query: str) -> None:
    inside = {category.slug for category in SHIPPED.categories if category.level1 == "EPICERIE"}
    assert set(found_in(SHIPPED, query)) == inside


@pytest.mark.parametrize(
    "query", ["batteries", "battery", "journal", "journaux", "watches", "shoes", "shoe", "chapeaux"]
)
def test_singulars_and_plurals_find_the_same(query: str) -> None:
    names = ("Batteries", "Journaux", "Watch", "Shoe", "Chapeau")
    tree = Taxonomy(tuple(Category(i, f"s-{i}", "A", "B", "C", name, name) for i, name in enumerate(names)))
    assert len(found_in(tree, query)) == 1
