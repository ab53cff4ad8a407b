"""The page about the model, of bundles that keep an evaluation and of bundles that keep none."""

import json
import re
import shutil
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from made_up import MANIFEST

from app import create_app
from app.evaluation.card import EVALUATION, Card, tell_apart
from app.recognition.bundle import FILES, NEVER
from app.recognition.bundle import MANIFEST as MANIFEST_FILE
from app.recognition.service import ModelService
from app.recognition.taxonomy import Category
from app.settings import Settings


@pytest.fixture
def weights(tmp_path: Path, evaluated: Path) -> Path:
    """A folder with the bundle "small", which keeps an evaluation, and "bare", which keeps none."""
    bare = tmp_path / "weights" / "bare"
    bare.mkdir(parents=True)
    (bare / MANIFEST_FILE).write_text(json.dumps(MANIFEST | {"model": "bare"}))
    return shutil.copytree(evaluated, bare.with_name("small")).parent


@pytest.fixture
def visitor(tmp_path: Path, weights: Path) -> FlaskClient:
    return create_app(Settings(instance=tmp_path, weights=weights, model="small")).test_client()


def test_the_page_tells_of_the_network_that_answers(client: FlaskClient, service: ModelService) -> None:
    page = client.get("/model/").text
    bundle = service.require_ready()
    for fact in (
        bundle.model,
        bundle.architecture,
        bundle.taxonomy.version,
        f"{bundle.preprocessing.side} px",
    ):
        assert fact in page
    assert f"{100 * bundle.manifest['metrics']['top1']:.1f} %" in page


def test_the_key_figures_come_first_and_each_link_leads_to_a_section(visitor: FlaskClient) -> None:
    page = visitor.get("/model/").text
    figures = re.findall(r"<dd>([^<]+)</dd>", page.split('id="what"')[0])
    assert figures == ["33.3 %", "83.3 %", "100.0 %", "4"]
    links = re.findall(r'<a href="#(\w+)">', page.split("<main")[1])
    assert links == ["what", "figures", "words", "groups", "categories", "training", "data", "weaknesses"]
    assert all(f'<h2 id="{link}">' in page for link in links)


def test_an_evaluation_that_is_kept_is_shown_with_its_plots(visitor: FlaskClient) -> None:
    page = visitor.get("/model/").text
    assert "95 % interval" in page
    addresses = re.findall(r'<img src="(/model/[^"]+)" alt="[^"]{40,}"', page)
    assert len(addresses) == 4
    for address in addresses:
        with visitor.get(address) as answer:
            assert answer.mimetype == "image/svg+xml"
            assert answer.text.startswith("<svg")


def test_the_page_has_nothing_that_the_security_policy_refuses(visitor: FlaskClient) -> None:
    assert not re.search(r"<style|style=|<script|data:", visitor.get("/model/").text)


def test_the_words_are_explained_with_the_measured_coverage(visitor: FlaskClient) -> None:
    words = visitor.get("/model/").text.split('id="words"')[1].split("</section>")[0]
    told = re.sub(r"<[^>]+>", "", words).split("Needs review")[1]
    assert re.findall(r"[\d.]+ %", told)[:4] == ["66.7 %", "25.0 %", "16.7 %", "100.0 %"]


def section(page: str, name: str) -> str:
    """Return the text of one section."""
    text = re.sub(r"<[^>]+>", "", page.split(f'id="{name}"')[1].split("</section>")[0])
    return " ".join(text.split())


def test_the_promise_stands_beside_what_was_measured(visitor: FlaskClient) -> None:
    words = section(visitor.get("/model/").text, "words")
    assert (
        "at least 80.0 %, chosen so that at least 95 % of such answers are right. Measured: 100.0 %" in words
    )
    assert "weaker than in 95 % of the photos of its categories" in words


def test_the_page_begins_with_the_photos_from_shops_never_seen(visitor: FlaskClient, weights: Path) -> None:
    path = weights / "small" / EVALUATION
    evaluation = json.loads(path.read_text())
    elsewhere = evaluation | {
        "split": "shops",
        "top1": {"photos": 6, "value": 0.123, "low": 0.1, "high": 0.2},
    }
    path.write_text(json.dumps(evaluation | {"elsewhere": elsewhere}))
    page = visitor.get("/model/").text
    figures = section(page, "figures")
    assert figures.index("12.3 %") < figures.index("33.3 %")
    assert "(10.0 to 20.0)" in figures
    assert "Of the answers called sure on photos from shops never seen, 100.0 % were right" in section(
        page, "words"
    )
    assert "Right first answers on photos from shops never seen" in section(page, "groups")


def test_the_sources_left_out_for_calibration_are_named(visitor: FlaskClient, weights: Path) -> None:
    path = weights / "small" / MANIFEST_FILE
    manifest = json.loads(path.read_text()) | {"calibrated_on": 300}
    manifest["training"]["held_out_sources"] = ["vendai", "thinq"]
    path.write_text(json.dumps(manifest))
    assert "300 photos, from sources left out of training: vendai, thinq" in visitor.get("/model/").text


def test_photos_of_no_known_category_are_told_apart(visitor: FlaskClient) -> None:
    words = section(visitor.get("/model/").text, "words")
    assert "Products of other categories (2 photos)50.0 %" in words
    assert "No product: animals, faces, landscapes (4 photos)0.0 %" in words


def test_a_network_that_can_promise_nothing_never_says_that_it_is_sure(
    visitor: FlaskClient, weights: Path
) -> None:
    path = weights / "small" / MANIFEST_FILE
    thresholds = {"sure": NEVER, "path": 0.9, "known": -50.0}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"thresholds": thresholds}))
    page = visitor.get("/model/").text
    assert "sure never, trusted level 90.0 %, one of its categories (score) -50.00" in section(page, "what")
    assert "never used, because no threshold could promise that 95 % of such answers are right" in section(
        page, "words"
    )
    assert "a score under -50.00" in section(page, "words")


def test_data_and_weaknesses_are_shown_for_a_network_that_was_not_measured(visitor: FlaskClient) -> None:
    page = visitor.get("/model/bare/").text
    assert "SnaetWarre" in section(page, "data")
    assert "It knows 4 categories" in section(page, "weaknesses")


def test_only_groups_that_are_weaker_than_all_are_called_weak() -> None:
    def share(low: float, value: float, high: float, photos: int = 400) -> dict[str, float]:
        return {"photos": photos, "low": low, "value": value, "high": high}

    sources = {"good": share(0.85, 0.9, 0.95), "perhaps": share(0.7, 0.75, 0.8),
               "weak": share(0.6, 0.65, 0.7), "few": share(0.1, 0.2, 0.3, photos=20)}  # fmt: skip
    categories = [
        {"slug": "weak", "photos": 40, "top1": 0.5},
        {"slug": "few", "photos": 2, "top1": 0.0},
        {"slug": "good", "photos": 40, "top1": 0.9},
    ]
    evaluation = {
        "top1": share(0.77, 0.78, 0.79),
        "sources": [{"name": name, "top1": top1} for name, top1 in sources.items()],
        "categories": categories,
    }
    card = Card({}, evaluation, {})
    assert [one["name"] for one in card.weakest("sources")] == ["weak"]
    assert [one["slug"] for one in card.weakest("categories")] == ["weak"]
    elsewhere = {"top1": share(0.5, 0.6, 0.7), "departments": [{"name": "SPORT", "top1": sources["few"]},
                 {"name": "MEUBLE", "top1": share(0.2, 0.3, 0.4)}]}  # fmt: skip
    card = Card({}, evaluation | {"elsewhere": elsewhere}, {})
    assert [one["name"] for one in card.weakest("departments", elsewhere=True)] == ["MEUBLE"]


def test_categories_of_the_same_name_are_distinguished_by_the_path_above_them() -> None:
    paths = (("JEUX", "FILLE", "PELUCHE"), ("JEUX", "BEBE", "PELUCHE"), ("JEUX", "BEBE", "HOCHET"))
    categories = [Category(i, f"toy-{i}", *path, path[2].title(), path[2]) for i, path in enumerate(paths)]
    assert tell_apart(categories, "en") == {
        "toy-0": "Peluche (JEUX > FILLE)",
        "toy-1": "Peluche (JEUX > BEBE)",
        "toy-2": "Hochet",
    }


def test_sizes_of_photos_are_shown_in_the_visitors_language(visitor: FlaskClient) -> None:
    groups = section(visitor.get("/model/", headers={"Accept-Language": "fr"}).text, "groups")
    assert "à 80 px" in groups
    assert "plus de 200 px" in groups


def test_the_words_in_a_plot_are_in_the_visitors_language(visitor: FlaskClient) -> None:
    answers = [
        visitor.get("/model/small/plots/groups.svg", headers={"Accept-Language": it}) for it in ("en", "fr")
    ]
    assert [word in answers[0].text for word in ("right first answers", "premières réponses")] == [
        True,
        False,
    ]
    assert [word in answers[1].text for word in ("right first answers", "premières réponses")] == [
        False,
        True,
    ]
    assert "Accept-Language" in answers[1].headers["Vary"]


def test_the_numbers_in_a_plot_are_written_as_the_language_writes_them(
    visitor: FlaskClient, weights: Path
) -> None:
    (weights / "small" / "plots" / "groups.svg").write_text("<svg><text>1.50</text><text>1000</text></svg>")
    french = visitor.get("/model/small/plots/groups.svg", headers={"Accept-Language": "fr"}).text
    assert french == "<svg><text>1,50</text><text>1\u202f000</text></svg>"


def test_a_bundle_without_an_evaluation_says_how_to_get_one(visitor: FlaskClient) -> None:
    answer = visitor.get("/model/bare/")
    assert answer.status_code == 200
    assert "flask evaluate --data DATA --model bare --save" in answer.text


@pytest.mark.parametrize("text", ['{"format": 0}', "[]", "{", ""])
def test_an_evaluation_in_another_shape_is_as_good_as_none(
    visitor: FlaskClient, weights: Path, text: str
) -> None:
    (weights / "small" / EVALUATION).write_text(text)
    answer = visitor.get("/model/")
    assert answer.status_code == 200
    assert "--save" in answer.text


def test_the_networks_link_to_each_other(visitor: FlaskClient) -> None:
    assert 'href="/model/bare/"' in visitor.get("/model/").text
    assert 'href="/model/"' in visitor.get("/model/bare/").text


@pytest.mark.parametrize("path", ["none/", "%2e%2e/", "bare/plots/groups.svg", "small/plots/..%2fx.svg"])
def test_what_is_not_there_is_not_found(visitor: FlaskClient, path: str) -> None:
    assert visitor.get(f"/model/{path}").status_code == 404


def test_a_manifest_that_cannot_be_read_is_a_sentence(visitor: FlaskClient, weights: Path) -> None:
    (weights / "bare" / MANIFEST_FILE).write_text("{")
    answer = visitor.get("/model/bare/")
    assert answer.status_code == 503
    assert "bare/manifest.json cannot be read" in answer.text


def test_what_is_kept_leaves_the_checksums_of_the_manifest_whole(weights: Path) -> None:
    manifest = json.loads((weights / "small" / MANIFEST_FILE).read_text())
    assert set(manifest["files"]) == set(FILES)
    assert manifest["metrics"]["photos"] == 6
    assert manifest["training"] == MANIFEST["training"]


def test_reading_about_the_model_sets_no_cookie(visitor: FlaskClient) -> None:
    assert "Set-Cookie" not in visitor.get("/model/").headers
