"""What Flask and Werkzeug refuse by themselves, as pages and as JSON."""

import errno
import io
import os
import re
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from helpers import csrf_token
from hostile_photos import bilevel_png
from markupsafe import escape
from werkzeug.test import TestResponse, encode_multipart

from app.errors import AppError, FormTooLarge, MachineFull, TooLarge
from app.web import uploads

TOO_MANY_PARTS = {f"field{number}": "x" for number in range(130)}
LONG_TEXT = {"field": "x" * 600_000}
TOO_MUCH = {"field": "x" * 11_000_000}


@pytest.mark.parametrize("path", ["/classify/clear", "/api/v1/predictions"])
def test_a_wrong_method_is_answered_with_the_right_ones(client: FlaskClient, path: str) -> None:
    answer = client.put(path)
    assert answer.status_code == 405
    assert "POST" in answer.allow
    assert answer.headers.getlist("Content-Type") == [answer.content_type]


@pytest.mark.parametrize(("form", "error"), [
    pytest.param(TOO_MANY_PARTS, FormTooLarge, id="too many parts"),
    pytest.param(LONG_TEXT, FormTooLarge, id="a long text"),
    pytest.param(TOO_MUCH, TooLarge, id="more than 10 MB"),
])  # fmt: skip
@pytest.mark.parametrize("path", ["/classify/", "/api/v1/predictions"])
def test_a_large_form_is_refused_with_what_is_too_large(
    client: FlaskClient, path: str, form: dict[str, str], error: type[AppError]
) -> None:
    boundary, body = encode_multipart(form)
    answer = client.post(path, data=body, content_type=f"multipart/form-data; boundary={boundary}")
    assert answer.status_code == 413
    if answer.is_json:
        assert answer.get_json() == {"error": error().to_json()}
    else:
        assert str(escape(error.sentence)) in answer.text


def test_an_error_says_its_code_and_its_sentence_in_json() -> None:
    assert TooLarge("That is large.").to_json() == {"code": "too_large", "message": "That is large."}


# The machine is at its limit


@pytest.mark.parametrize(("referrer", "back"), [
    ("http://localhost/categories/?q=ball", ["/categories/?q=ball"]),
    ("http://elsewhere.example/categories/", []),
    ("http://localhost/nothing/here", []),
    ("http://[", []),
])  # fmt: skip
def test_an_error_leads_back_to_the_page_of_this_site_where_one_was(
    client: FlaskClient, referrer: str, back: list[str]
) -> None:
    page = client.get("/nothing/here", headers={"Referer": referrer}).text
    assert re.findall(r'href="([^"]+)">Back to the page before', page) == back


FULL = [MemoryError(), *(OSError(number, os.strerror(number)) for number in (errno.ENOSPC, errno.EMFILE))]
API = "/api/v1/predictions"


def is_refused_as_full(answer: TestResponse) -> bool:
    sentence = answer.get_json()["error"]["message"] if answer.is_json else answer.text
    said = MachineFull.sentence if answer.is_json else str(escape(MachineFull.sentence))
    return answer.status_code == 503 and said in sentence and int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize("fault", FULL, ids=repr)
@pytest.mark.parametrize("path", ["/fault", "/api/fault"])
def test_a_view_that_runs_out_of_something_is_a_refusal_with_a_sentence(
    app: Flask, path: str, fault: Exception
) -> None:
    def view() -> str:
        raise fault

    app.add_url_rule(path, view_func=view)
    assert is_refused_as_full(app.test_client().get(path))


@pytest.mark.parametrize("fault", FULL, ids=repr)
def test_so_is_a_session_that_runs_out_of_something(
    app: Flask, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def open_session(*_: object) -> None:
        raise fault

    monkeypatch.setattr(app.session_interface, "open_session", open_session)
    assert is_refused_as_full(app.test_client().get("/classify/"))


def test_a_fault_of_another_kind_stays_a_fault(app: Flask) -> None:
    def view() -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    app.add_url_rule("/fault", view_func=view)
    assert app.test_client().get("/fault").status_code == 500


def large_upload(client: FlaskClient, path: str = API, token: str = "") -> TestResponse:
    head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    field = f'\r\n--b\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{token}\r\n--b--\r\n'
    body = head + bytes(3_000_000) + field.encode()
    return client.post(path, data=body, content_type="multipart/form-data; boundary=b")


@pytest.mark.parametrize("path", [API, "/classify/"])
def test_without_a_folder_for_temporary_files_a_large_upload_is_refused_with_a_sentence(
    client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    token = csrf_token(client)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "removed"))
    assert is_refused_as_full(large_upload(client, path, token))


def test_without_space_for_temporary_files_a_large_upload_is_refused_with_a_sentence(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path("/dev/full").open("r+b", buffering=0) as full:
        monkeypatch.setattr(uploads, "TemporaryFile", lambda: full)
        assert is_refused_as_full(large_upload(client))


@contextmanager
def no_more_files() -> Iterator[None]:
    """Let this process open no further file."""
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, usual)


def test_without_file_handles_a_large_upload_is_refused_and_a_small_one_is_answered(
    client: FlaskClient,
) -> None:
    photo = bilevel_png(300, 300)
    assert client.post(API, data={"image": (io.BytesIO(photo), "a.png")}).status_code == 200
    token = csrf_token(client)
    with no_more_files():
        french = large_upload(client, "/classify/", token)
        refused = large_upload(client)
        answered = client.post(API, data={"image": (io.BytesIO(photo), "a.png")})
    assert is_refused_as_full(refused)
    assert is_refused_as_full(french)
    assert answered.status_code == 200
