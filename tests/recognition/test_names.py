"""The names that people read in place of Cdiscount's keys, and the words that they search for."""

import csv
from pathlib import Path

import pytest

from app.recognition.names import LEAVES, NODES, SYNONYMS, name_path
from app.recognition.taxonomy import Category, Taxonomy, ancestor, path_in, read_leaves, read_taxonomy
from app.settings import ROOT

SYNONYM_FILE = ROOT / "app" / "recognition" / "synonyms.csv"
SHIPPED = sorted((ROOT / "weights").glob("*/taxonomy.csv"))
JAM = Category(1, "jam", "EPICERIE", "TARTINAGE SUCRE", "CONFITURE - GELEE", "Jam", "Confiture")


def nodes_of(taxonomy: Taxonomy) -> set[str]:
    paths = (category.path[:-1] for category in taxonomy.categories)
    return {" > ".join(path[:level]) for path in paths for level in range(1, LEAVES)}


@pytest.mark.parametrize(("language", "path"), [
    ("en", ["Groceries", "Sweet spreads", "Jam"]),
    ("fr", ["Épicerie", "Pâtes à tartiner et confitures", "Confiture"]),
])  # fmt: skip
def test_a_path_is_read_in_either_language_down_to_the_categorys_own_name(
    language: str, path: list[str]
) -> None:
    assert path_in(JAM, language) == path
    assert path_in(JAM.to_json(), language) == path


def test_a_node_without_a_name_keeps_the_one_in_the_tree() -> None:
    assert name_path(("EPICERIE", "NOUVEAU RAYON", "X"), "Thing", "en") == [
        "Groceries",
        "NOUVEAU RAYON",
        "Thing",
    ]


def test_a_node_that_is_a_category_itself_has_the_name_of_the_node() -> None:
    node = Category(1, "x", "EPICERIE", "CONFISERIE", "", "CONFISERIE", "CONFISERIE")
    assert path_in(node, "en") == ["Groceries", "Confectionery"]


def test_a_node_read_from_the_official_list_is_named_in_both_languages() -> None:
    leaf = Category(1, "x", "EPICERIE", "CONFISERIE", "BONBON", "BONBON", "BONBON")
    assert (ancestor(leaf, 2).name_en, ancestor(leaf, 2).name_fr) == ("Confectionery", "Confiserie")


def test_the_path_in_another_catalogue_stays_as_it_is() -> None:
    assert path_in(Category("A-1", "jam", "EPICERIE", "Spreads", "", "Jam", "Confiture"), "en") == [
        "EPICERIE", "Spreads"
    ]  # fmt: skip


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_every_node_that_a_shipped_network_knows_has_names_in_both_languages(path: Path) -> None:
    nodes = nodes_of(read_taxonomy(path))
    assert {(node, code) for node in nodes for code in ("en", "fr")} <= NODES.keys()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_every_category_that_a_shipped_network_knows_has_synonyms_in_both_languages(path: Path) -> None:
    slugs = {category.slug for category in read_taxonomy(path).categories}
    with SYNONYM_FILE.open(encoding="utf-8", newline="") as file:
        known = {(row["slug"], row["language"]) for row in csv.DictReader(file)}
    assert {(slug, code) for slug in slugs for code in ("en", "fr")} <= known


@pytest.mark.shared
def test_every_node_of_the_shared_products_and_every_official_department_has_names(products: Path) -> None:
    departments = {leaf.level1 for leaf in read_leaves(products / "cdiscount" / "category_names.csv")}
    taxonomy = read_taxonomy(products / "taxonomy.csv")
    assert {
        (node, code) for node in nodes_of(taxonomy) | departments for code in ("en", "fr")
    } <= NODES.keys()
    assert {category.slug for category in taxonomy.categories} <= SYNONYMS.keys()


def test_names_are_words_for_people_not_keys() -> None:
    for (node, _), name in NODES.items():
        assert name == name.strip()
        assert name[0].isupper()
        assert not name.isupper() or name in {"DVD"}, node
        assert " - " not in name


def test_every_synonym_is_listed_once_in_its_language() -> None:
    with SYNONYM_FILE.open(encoding="utf-8", newline="") as file:
        rows = [(row["slug"], row["words"].split("; ")) for row in csv.DictReader(file)]
    for slug, words in rows:
        assert all(word == word.strip() != "" for word in words), slug
        assert len(set(words)) == len(words) >= (1 if slug.isupper() else 2), slug
