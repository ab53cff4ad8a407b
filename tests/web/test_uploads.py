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


def test_an_error_repeats_no_more_of_a_name_than_fits_a_line(client: FlaskClient, coffee: bytes) -> None:
    form = {"image": (BytesIO(coffee), "a.jpg"), "model": "x" * 400_000}
    answer = client.post("/api/v1/predictions", data=form)
    assert answer.status_code == 400
    assert len(answer.data) < 1000
