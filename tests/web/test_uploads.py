"""Where the bytes of an upload go."""

from io import BytesIO

import pytest
from flask import Flask, request
from flask.testing import FlaskClient

from app.web.uploads import IN_MEMORY_BYTES


@pytest.mark.parametrize(("sizes", "is_on_disk"), [
    ([1024 * 1024], False), ([IN_MEMORY_BYTES + 1], True), ([300_000] * 3, False), ([300_000] * 4, True),
])  # fmt: skip
def test_only_a_large_upload_goes_through_files(app: Flask, sizes: list[int], is_on_disk: bool) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    body = b"".join(head + bytes(size) + b"\r\n" for size in sizes) + b"--b--\r\n"
    kind = "multipart/form-data; boundary=b"
    with app.test_request_context(method="POST", data=body, content_type=kind):
        for size, file in zip(sizes, request.files.getlist("image"), strict=True):
            with file.stream as stream:
                assert isinstance(stream, BytesIO) != is_on_disk
                assert len(stream.read()) == size


def test_a_form_without_files_is_bounded(client: FlaskClient) -> None:
    small, large = (b"a=" + b"%ff" * times for times in (1000, 200_000))
    kind = "application/x-www-form-urlencoded"
    assert client.post("/classify/history/undo", data=large, content_type=kind).status_code == 413
    assert client.post("/classify/history/undo", data=small, content_type=kind).status_code == 403


@pytest.mark.parametrize("field", ["model", "x" * 5000])
def test_every_text_of_a_form_is_bounded(client: FlaskClient, coffee: bytes, field: str) -> None:
    form = {"image": (BytesIO(coffee), "a.jpg"), field: "x" * 400_000}
    answer = client.post("/api/v1/predictions", data=form)
    assert answer.status_code == 413
    assert len(answer.data) < 1000


@pytest.mark.parametrize("path", [
    "/categories/?q={}", "/categories/?department={}", "/classify/history?text={0}&category={0}&source={0}",
    "/api/v1/categories?q={}", "/language/fr?back=/{}", "/classify/?row={}",
])  # fmt: skip
def test_every_text_of_an_address_is_bounded(client: FlaskClient, path: str) -> None:
    assert client.get(path.format("x" * 300)).status_code in {200, 303}
    address = path.format("x" * 9000)
    answer = client.get(address)
    assert answer.status_code == 413
    assert len(answer.data) < 8000 + 2 * len(address)  # the switch between languages leads back there


def test_an_error_repeats_no_more_of_a_name_than_fits_a_line(client: FlaskClient, coffee: bytes) -> None:
    form = {"image": (BytesIO(coffee), "a.jpg"), "model": "x" * 4000}
    answer = client.post("/api/v1/predictions", data=form)
    assert answer.status_code == 400
    assert len(answer.data) < 1000
