"""GET /api/v1/categories: all of them by pages, a search, and the tree."""

from typing import Any

import pytest
from flask.testing import FlaskClient

PATH = "/api/v1/categories"


def ask(client: FlaskClient, **query: Any) -> Any:
    answer = client.get(PATH, query_string=query)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def test_the_pages_together_list_every_category_once(client: FlaskClient) -> None:
    first = ask(client, per_page=50)
    pages = [ask(client, per_page=50, page=number) for number in range(1, first["pages"] + 1)]
    ids = [category["category_id"] for page in pages for category in page["categories"]]
    assert len(ids) == len(set(ids)) == first["found"]
    assert ask(client, per_page=50, page=first["pages"] + 1)["categories"] == []


def test_the_tree_can_be_walked_from_the_departments_to_the_categories(client: FlaskClient) -> None:
    top = ask(client)
    assert sum(node["categories"] for node in top["below"]) == top["found"]
    path: list[str] = []
    for _ in range(3):
        here = ask(client, path=path)
        node = here["below"][0]
        path.append(node["name"])
        assert ask(client, path=path)["found"] == node["categories"]
    assert [one["path"] for one in ask(client, path=path)["categories"]] == [path]
    assert ask(client, path=path)["below"] == []


def test_a_search_can_be_narrowed_to_a_part_of_the_tree(client: FlaskClient) -> None:
    everywhere = ask(client, q="ball", per_page=500)
    inside = ask(client, q="ball", path="SPORT", per_page=500)
    assert 0 < inside["found"] < everywhere["found"]
    assert all(category["path"][0] == "SPORT" for category in inside["categories"])


@pytest.mark.parametrize("query", ["page=0", "page=x", "per_page=501", "path=a&path=b" + "&path=c" * 9])
def test_a_page_that_there_cannot_be_is_refused(client: FlaskClient, query: str) -> None:
    answer = client.get(f"{PATH}?{query}")
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (400, "bad_request")
