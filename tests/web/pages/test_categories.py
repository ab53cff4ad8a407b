"""The categories that the network knows, as pages and as JSON."""

import json
import re
import shutil
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app import create_app
from app.recognition.bundle import MANIFEST
from app.settings import Settings


@pytest.fixture
def weights(tmp_path: Path, evaluated: Path) -> Path:
    """A folder with the bundle "small", of which there is an evaluation."""
    return shutil.copytree(evaluated, tmp_path / "weights" / "small").parent


@pytest.fixture
def visitor(tmp_path: Path, weights: Path) -> FlaskClient:
    return create_app(Settings(instance=tmp_path, weights=weights, model="small")).test_client()


def links(page: str) -> list[str]:
    return re.findall(r'<a href="/categories/(\d+)">', page)


def shown(path: str) -> str:
    return path.replace(">", "\u203a")


def test_all_categories_are_listed_by_department(visitor: FlaskClient) -> None:
    page = visitor.get("/categories/").text
    assert "4 categories in 2 departments" in page
    folded = re.findall(r"<details>\s*<summary><span[^>]*>(\w+)</span> <span[^>]*>(\d+)", page)
    assert folded == [("LOISIR", "1"), ("TEXTILE", "3")]
    assert sorted(links(page)) == ["0", "1", "2", "3"]


def test_the_key_figures_come_first(visitor: FlaskClient) -> None:
    head = visitor.get("/categories/").text.split('class="search"')[0]
    assert re.findall(r"<dd>([^<]+)</dd>", head) == ["4", "2", "33.3 %"]


def test_a_search_lists_what_it_finds_and_keeps_the_query(visitor: FlaskClient) -> None:
    page = visitor.get("/categories/?q=JUPÉ&department=").text
    assert links(page) == ["2"]
    assert 'value="JUPÉ"' in page


def test_a_department_filters_alone_and_with_a_search(visitor: FlaskClient) -> None:
    assert links(visitor.get("/categories/?department=LOISIR").text) == ["3"]
    assert links(visitor.get("/categories/?department=LOISIR&q=jupe").text) == []


def test_what_is_searched_for_is_escaped(visitor: FlaskClient) -> None:
    assert "<script>alert" not in visitor.get("/categories/?q=<script>alert(1)</script>").text


def test_a_category_shows_its_place_its_figures_and_what_it_is_confused_with(visitor: FlaskClient) -> None:
    page = visitor.get("/categories/0").text
    assert " \u203a ".join(("TEXTILE", "HAUT", "PULL")) in page
    cells = re.findall(r"<td>([^<]+)</td>", page)
    assert cells == ["50 %", "100 %", "50 %"]
    confused = page[page.index("confused with") : page.index("Beside it")]
    assert links(confused) == ["1"]
    assert "1 photo of Pull taken for it, 1 the other way round" in confused
    assert 'href="/classify/"' in page


def test_a_category_with_few_training_photos_is_marked_as_seldom_seen(visitor: FlaskClient) -> None:
    listed = visitor.get("/categories/").text
    assert re.findall(r"Seldom seen: (\d+) training photos", listed) == ["17", "30"]
    assert "Seldom seen" in visitor.get("/categories/3").text
    assert "Seldom seen" not in visitor.get("/categories/2").text


def test_a_bundle_that_does_not_say_what_it_was_taught_marks_none(
    visitor: FlaskClient, weights: Path
) -> None:
    path = weights / "small" / MANIFEST
    manifest = json.loads(path.read_text())
    del manifest["taught"]
    path.write_text(json.dumps(manifest))
    assert "Seldom seen" not in visitor.get("/categories/").text


def test_the_categories_beside_it_are_linked(visitor: FlaskClient) -> None:
    page = visitor.get("/categories/1").text
    assert links(page[page.index("Beside it") :]) == ["0"]
    assert "Beside it" not in visitor.get("/categories/3").text


def test_without_an_evaluation_the_pages_say_so(visitor: FlaskClient, weights: Path) -> None:
    (weights / "small" / "evaluation.json").unlink()
    assert visitor.get("/categories/").text.count("not measured") == 4
    assert "was not measured" in visitor.get("/categories/0").text


@pytest.mark.parametrize("name", ["999", "-1", "none", f"{10**40}"])
def test_a_category_that_is_not_known_is_not_found(visitor: FlaskClient, name: str) -> None:
    assert visitor.get(f"/categories/{name}").status_code == 404


@pytest.mark.parametrize("path", ["/categories/", "/categories/?q=jupe", "/categories/0"])
def test_the_pages_can_be_kept_by_anybody_and_set_no_cookie(visitor: FlaskClient, path: str) -> None:
    answer = visitor.get(path)
    assert answer.cache_control.public
    assert "Set-Cookie" not in answer.headers
    assert visitor.get(path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_without_weights_the_pages_are_unavailable_with_a_sentence(tmp_path: Path) -> None:
    client = create_app(Settings(instance=tmp_path, weights=tmp_path)).test_client()
    answer = client.get("/categories/")
    assert answer.status_code == 503
    assert "taxonomy.csv does not exist" in answer.text


def test_every_shipped_category_can_be_found_by_its_names_and_its_number(client: FlaskClient) -> None:
    for category in client.application.extensions["site"].models.taxonomy.categories:
        for query in (category.name_en, category.name_fr, str(category.category_id)):
            found = client.get("/api/v1/categories", query_string={"q": query}).get_json()["categories"]
            assert category.category_id in [one["category_id"] for one in found], query


def test_the_search_in_json_has_the_documented_shape_and_comes_page_by_page(client: FlaskClient) -> None:
    answer = client.get("/api/v1/categories?q=e").get_json()
    assert list(answer) == ["taxonomy", "categories", "below", "found", "page", "pages"]
    assert len(answer["categories"]) == 20 < answer["found"]
    assert list(answer["categories"][0]) == [
        "category_id",
        "slug",
        "name",
        "name_fr",
        "path",
        "path_en",
        "path_fr",
    ]
    everything = client.get("/api/v1/categories").get_json()
    assert everything["found"] == len(client.application.extensions["site"].models.taxonomy.categories)


def test_the_nodes_of_the_tree_in_json_have_names_in_both_languages(client: FlaskClient) -> None:
    below = client.get("/api/v1/categories?q=jam&path=EPICERIE").get_json()["below"]
    assert below == [
        {
            "name": "TARTINAGE SUCRE",
            "name_en": "Sweet spreads",
            "name_fr": "Pâtes à tartiner et confitures",
            "categories": 1,
        }
    ]


@pytest.mark.parametrize(("language", "first", "groceries", "jam"), [
    ("en", "Arts, crafts and stationery", "Groceries", "Groceries > Sweet spreads > Jam"),
    ("fr", "Aménagement urbain et voirie", "Épicerie",
     "Épicerie > Pâtes à tartiner et confitures > Confiture"),
])  # fmt: skip
def test_departments_and_paths_are_named_and_sorted_in_the_visitors_language(
    client: FlaskClient, language: str, first: str, groceries: str, jam: str
) -> None:
    page = client.get("/categories/", headers={"Accept-Language": language}).text
    departments = re.findall(r"<summary><span[^>]*>([^<]+)</span>", page)
    assert departments[0] == first
    assert groceries in departments
    assert f'<option value="EPICERIE">{groceries}</option>' in page
    assert f'<p class="path">{shown(jam)}</p>' in page


def test_a_category_shows_cdiscounts_own_path_too(client: FlaskClient) -> None:
    page = client.get("/categories/1000000605").text
    assert f"<dd>{shown('Groceries > Sweet spreads > Honey')}</dd>" in page
    own = shown("EPICERIE > TARTINAGE SUCRE > MIEL")
    assert f'<dd lang="fr">{own}</dd>' in page


def test_the_search_finds_everyday_words_and_departments(client: FlaskClient) -> None:
    assert links(client.get("/categories/?q=couch").text) == ["1000002638"]
    assert "22 found" in client.get("/categories/?q=groceries").text
