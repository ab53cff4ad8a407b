"""GET /api/v1/models: the networks of the site."""

import json

from flask.testing import FlaskClient

from app.settings import DEFAULT_MODEL, ROOT


def test_each_network_is_listed_with_its_figures_and_one_is_the_default(client: FlaskClient) -> None:
    models = client.get("/api/v1/models").get_json()["models"]
    assert [one["model"] for one in models] == sorted(
        path.parent.name for path in ROOT.glob("weights/*/manifest.json")
    )
    [default] = [one for one in models if one["default"]]
    manifest = json.loads((ROOT / "weights" / DEFAULT_MODEL / "manifest.json").read_text("utf-8"))
    assert default["model"] == DEFAULT_MODEL
    assert default["taxonomy"] == manifest["taxonomy"]
    assert default["figures"]["top1"] == manifest["metrics"]["top1"]


def test_listing_them_loads_none(client: FlaskClient) -> None:
    models = client.get("/api/v1/models").get_json()["models"]
    assert {one["status"] for one in models if not one["default"]} == {"not loaded"}
