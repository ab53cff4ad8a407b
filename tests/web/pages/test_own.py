"""The page "Your categories", without script: make, teach, classify, correct, delete."""

import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from zipfile import ZipFile

import pytest
from flask import Flask
from flask.testing import FlaskClient
from helpers import count_rows, csrf_token
from PIL import Image
from werkzeug.test import TestResponse

from app.errors import ModelNotReady
from app.recognition.offers import OWN
from app.recognition.photos import open_photo
from app.recognition.service import ModelService

OWN_PAGE = "/classify/categories"


@pytest.fixture
def app(make_small_site: Callable[..., Flask]) -> Flask:
    return make_small_site()


def post(client: FlaskClient, path: str, **fields: object) -> TestResponse:
    return client.post(path, data={"csrf_token": csrf_token(client), **fields})


def files_of(folder: Path) -> list[tuple[io.BytesIO, str]]:
    return [(io.BytesIO(path.read_bytes()), path.name) for path in sorted(folder.iterdir())]


def add_category(client: FlaskClient, name: str) -> str:
    """Make a category and return the path of its own."""
    location = post(client, OWN_PAGE, name=name).location
    return f"{OWN_PAGE}/{location.partition('#category-')[2]}"


def add_drawings(client: FlaskClient, drawings: Path, names: Sequence[str] = ("disc", "frame")) -> None:
    for name in names:
        path = add_category(client, name)
        assert post(client, f"{path}/photos", image=files_of(drawings / "train" / name)).status_code == 303


@pytest.fixture
def taught(client: FlaskClient, drawings: Path) -> FlaskClient:
    """A visitor who has taught discs and frames."""
    add_drawings(client, drawings)
    assert post(client, f"{OWN_PAGE}/teach").location == f"{OWN_PAGE}#taught"
    return client


def classify(client: FlaskClient, drawings: Path, name: str, **fields: str) -> str:
    """Classify a drawing that was not taught and return the path of its answer."""
    photo = files_of(drawings / "val" / name)[0]
    return str(post(client, "/classify/", image=photo, **fields).location)


def headings(page: str) -> list[str]:
    return re.findall(r'<h2 id="name-[^>]*>([^<]*)<', page)


def test_the_page_is_in_the_navigation_and_says_how_to_begin(client: FlaskClient) -> None:
    assert f'href="{OWN_PAGE}"' in client.get("/").text
    page = client.get(OWN_PAGE).text
    assert "Name at least two categories" in page
    assert "Delete everything" not in page


def test_a_category_shows_its_name_and_photos(client: FlaskClient, drawings: Path) -> None:
    path = add_category(client, "Crêpières <b>")
    post(client, f"{path}/photos", image=files_of(drawings / "train" / "disc")[:3])
    page = client.get(OWN_PAGE).text
    assert headings(page) == ["Crêpières &lt;b&gt;"]
    assert "3 photos" in page
    [first, *others] = re.findall(rf'src="({path}/photos/[^"]+)"', page)
    assert len(others) == 2
    copy = client.get(first)
    assert Image.open(io.BytesIO(copy.data)).format == "JPEG"
    assert "private" in copy.headers["Cache-Control"]


def test_new_photos_are_classified_by_what_was_taught(taught: FlaskClient, drawings: Path) -> None:
    for name in ("disc", "frame"):
        answer = taught.get(classify(taught, drawings, name, model=OWN)).text
        guesses = re.findall(r'<span class="name">([^<]*)</span>', answer)
        assert sorted(guesses) == ["disc", "frame"]
        assert guesses[0] == name
    assert "Your categories" in answer
    assert count_rows(taught) == 2
    assert ">disc</strong>" in taught.get("/classify/history?text=disc").text


def test_what_was_taught_is_offered_beside_the_networks_and_remembered(
    taught: FlaskClient, drawings: Path
) -> None:
    assert f'<option value="{OWN}">' in taught.get("/classify/").text
    classify(taught, drawings, "disc", model=OWN)
    assert f'<option value="{OWN}" selected>' in taught.get("/classify/").text


def test_a_visitor_who_taught_nothing_is_offered_nothing_and_told_so(
    client: FlaskClient, drawings: Path
) -> None:
    assert OWN not in client.get("/classify/").text
    photo = files_of(drawings / "val" / "disc")[0]
    answer = post(client, "/classify/", image=photo, model=OWN)
    assert answer.status_code == 409
    assert "Nothing has been taught yet" in answer.text


def test_several_photos_are_one_product_of_ones_own(taught: FlaskClient, drawings: Path) -> None:
    photos = files_of(drawings / "val" / "disc")
    answer = taught.get(post(taught, "/classify/", image=photos, model=OWN, product="one").location)
    assert '<span class="name">disc</span>' in answer.text


def test_heatmaps_show_where_a_taught_head_looked(taught: FlaskClient, drawings: Path) -> None:
    path = classify(taught, drawings, "disc", model=OWN)
    assert taught.get(f"{path}/heatmaps").text.count("<figure>") == 2
    sheet = taught.get(f"{path}/heatmaps.jpg")
    assert Image.open(io.BytesIO(sheet.data)).format == "JPEG"


def test_figures_show_once_two_categories_have_five_photos(client: FlaskClient, drawings: Path) -> None:
    add_drawings(client, drawings)
    assert "by cross-validation" not in client.get(OWN_PAGE).text
    post(client, f"{OWN_PAGE}/teach")
    page = client.get(OWN_PAGE).text
    assert len(re.findall(r"% right by cross-validation \(\d of 8\)", page)) == 2
    assert "Taught with 16 photos." in page


def test_the_page_says_that_photos_have_changed_since(taught: FlaskClient, drawings: Path) -> None:
    assert "have changed" not in taught.get(OWN_PAGE).text
    add_drawings(taught, drawings, ["stripes"])
    assert "have changed since you pressed Teach" in taught.get(OWN_PAGE).text


def test_photos_and_categories_are_removed_by_a_click(client: FlaskClient, drawings: Path) -> None:
    path = add_category(client, "disc")
    post(client, f"{path}/photos", image=files_of(drawings / "train" / "disc"))
    photo_id = re.findall(r'name="photo" value="([^"]+)"', client.get(OWN_PAGE).text)[0]
    post(client, f"{path}/remove", photo=photo_id)
    assert "7 photos" in client.get(OWN_PAGE).text
    assert client.get(f"{path}/photos/{photo_id}").status_code == 404
    post(client, f"{path}/remove")
    assert headings(client.get(OWN_PAGE).text) == []


def test_everything_is_deleted_by_a_click(taught: FlaskClient, drawings: Path) -> None:
    answer = classify(taught, drawings, "disc", model=OWN)
    post(taught, f"{OWN_PAGE}/clear")
    assert headings(taught.get(OWN_PAGE).text) == []
    assert OWN not in taught.get("/classify/").text
    assert '<span class="name">disc</span>' in taught.get(answer).text
    assert taught.get(f"{answer}/heatmaps").status_code == 404


def test_nobody_sees_what_another_visitor_taught(app: Flask, taught: FlaskClient) -> None:
    page = taught.get(OWN_PAGE).text
    [photo, *_] = re.findall(rf'src="({OWN_PAGE}/[^"]+)"', page)
    other = app.test_client()
    assert headings(other.get(OWN_PAGE).text) == []
    assert other.get(photo).status_code == 404
    for path in re.findall(rf'action="({OWN_PAGE}/[^"]+/(?:photos|remove))"', page):
        files = {"image": (io.BytesIO(b"x"), "x.jpg")} if path.endswith("photos") else {}
        assert post(other, path, **files).status_code == 404
    post(other, f"{OWN_PAGE}/clear")
    assert len(headings(taught.get(OWN_PAGE).text)) == 2


def test_one_category_is_too_few_to_teach(client: FlaskClient, drawings: Path) -> None:
    add_drawings(client, drawings, ["disc"])
    answer = post(client, f"{OWN_PAGE}/teach")
    assert answer.status_code == 400
    assert "in each of two categories" in answer.text


def test_a_bad_file_is_named_and_does_not_stop_the_others(client: FlaskClient, drawings: Path) -> None:
    path = add_category(client, "disc")
    files = [(io.BytesIO(b"no photo"), "notes.txt"), *files_of(drawings / "train" / "disc")[:2]]
    post(client, f"{path}/photos", image=files)
    page = client.get(OWN_PAGE).text
    assert "2 photos" in page
    assert "notes.txt: This is not a photo" in page
    assert "notes.txt" not in client.get(OWN_PAGE).text


def test_a_lone_bad_file_and_none_at_all_are_refused(client: FlaskClient) -> None:
    path = add_category(client, "disc")
    bad = [(io.BytesIO(b"no photo"), "notes.txt") for _ in range(2)]
    assert post(client, f"{path}/photos", image=bad[0]).status_code == 415
    assert post(client, f"{path}/photos").status_code == 400
    assert post(client, f"{OWN_PAGE}/unknown/photos", image=bad[1]).status_code == 404


def test_photos_to_teach_count_like_photos_to_classify(
    make_small_site: Callable[..., Flask], drawings: Path
) -> None:
    client = make_small_site(rate_limit="5 per hour").test_client()
    path = add_category(client, "disc")
    files = files_of(drawings / "train" / "disc")
    assert post(client, f"{path}/photos", image=files[:6]).status_code == 429
    assert post(client, f"{path}/photos", image=files[6:]).status_code == 303


def test_the_setting_takes_the_page_away(make_small_site: Callable[..., Flask]) -> None:
    client = make_small_site(teach=False).test_client()
    assert OWN_PAGE not in client.get("/").text
    assert client.get(OWN_PAGE).status_code == 404
    assert post(client, "/classify/", image=(io.BytesIO(b"x"), "x.jpg"), model=OWN).status_code == 400


# Corrections


def buttons(page: str) -> dict[str, str]:
    """Return the ids of the categories that an answer offers as right, by name."""
    found = re.findall(r'name="category" value="(\d+)" form="correct"[^>]*>([^<]*)<', page)
    return {name.strip(): number for number, name in found}


def test_a_wrong_answer_of_ones_own_is_corrected_to_any_own_category_and_nobody_else_learns_of_it(
    app: Flask, taught: FlaskClient, drawings: Path
) -> None:
    path = classify(taught, drawings, "disc", model=OWN)
    page = taught.get(path).text
    assert {"disc", "frame"} <= set(buttons(page))
    assert "Share this photo" not in page
    post(taught, f"{path}/correct", category=buttons(page)["frame"], keep_photo="1")
    assert "Corrected to frame" in taught.get(path).text
    assert app.extensions["site"].corrections.all() == []


def test_the_photo_of_a_corrected_answer_teaches_at_once(taught: FlaskClient, drawings: Path) -> None:
    path = classify(taught, drawings, "stripes", model=OWN)
    post(taught, f"{path}/correct", category=buttons(taught.get(path).text)["frame"])
    assert "Use this photo to teach" in taught.get(path).text
    location = post(taught, f"{OWN_PAGE}/from{path.removeprefix('/classify')}").location
    assert "The photo was added to your category “frame”." in taught.get(location).text
    page = taught.get(OWN_PAGE).text
    assert "9 photos" in page
    assert "Taught with 17 photos." in page


def test_a_photo_of_the_networks_categories_teaches_the_category_that_is_right(
    client: FlaskClient, drawings: Path
) -> None:
    path = classify(client, drawings, "disc")
    first = re.search(
        r'name="category" value="(\d+)" form="correct" aria-label="[^:]*: ([^"]*)"', client.get(path).text
    )
    assert first
    assert post(client, f"{OWN_PAGE}/from{path.removeprefix('/classify')}").status_code == 400
    post(client, f"{path}/correct", category=first[1])
    post(client, f"{OWN_PAGE}/from{path.removeprefix('/classify')}")
    page = client.get(OWN_PAGE).text
    assert headings(page) == [first[2]]
    assert "1 photo" in page


# Downloads


def test_the_downloaded_bundle_gives_the_answers_of_the_page(
    taught: FlaskClient, drawings: Path, tmp_path: Path
) -> None:
    with ZipFile(io.BytesIO(taught.get(f"{OWN_PAGE}/bundle.zip", buffered=True).data)) as archive:
        archive.extractall(tmp_path)
    service = ModelService(tmp_path / "my-categories")
    for name in ("disc", "frame"):
        photo = next((drawings / "val" / name).iterdir()).read_bytes()
        assert service.predict(open_photo(photo)).guesses[0].category.name_en == name


def test_a_bundle_that_was_altered_is_refused_like_any_other(taught: FlaskClient, tmp_path: Path) -> None:
    with ZipFile(io.BytesIO(taught.get(f"{OWN_PAGE}/bundle.zip", buffered=True).data)) as archive:
        archive.extractall(tmp_path)
    with (tmp_path / "my-categories" / "serving.bin").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelNotReady, match="damaged"):
        ModelService(tmp_path / "my-categories").wait()


def test_photos_come_in_a_folder_for_each_category(client: FlaskClient, drawings: Path) -> None:
    add_drawings(client, drawings)
    path = add_category(client, "../a/b")
    post(client, f"{path}/photos", image=files_of(drawings / "train" / "disc")[:1])
    with ZipFile(io.BytesIO(client.get(f"{OWN_PAGE}/photos.zip", buffered=True).data)) as archive:
        folders = [name.rpartition("/")[0] for name in archive.namelist()]
    assert sorted(set(folders)) == ["_a_b", "disc", "frame"]
    assert len(folders) == 17


def test_a_project_file_can_be_loaded_again_by_another_visitor(
    app: Flask, client: FlaskClient, drawings: Path
) -> None:
    add_drawings(client, drawings)
    add_category(client, "empty")
    project = client.get(f"{OWN_PAGE}/project.json").data
    other = app.test_client()
    post(other, f"{OWN_PAGE}/project", project=(io.BytesIO(project), "categories.json"))
    page = other.get(OWN_PAGE).text
    assert headings(page) == ["disc", "frame", "empty"]
    assert page.count("8 photos") == 2
    assert post(other, f"{OWN_PAGE}/teach").status_code == 303


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"categories": [{"name": "a", "photos": ["!"]}]}'])
def test_a_file_that_is_no_project_is_refused(client: FlaskClient, data: bytes) -> None:
    answer = post(client, f"{OWN_PAGE}/project", project=(io.BytesIO(data), "a.json"))
    assert answer.status_code == 400
    assert "not a project file" in answer.text
