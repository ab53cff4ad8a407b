"""Where the bytes of an upload go."""

import io

import pytest
from flask import Flask, request

from app.uploads import IN_MEMORY_BYTES


@pytest.mark.parametrize(("size", "is_on_disk"), [(1024 * 1024, False), (IN_MEMORY_BYTES + 1, True)])
def test_only_a_large_upload_goes_through_a_file(app: Flask, size: int, is_on_disk: bool) -> None:
    data = {"image": (io.BytesIO(bytes(size)), "a.jpg")}
    with app.test_request_context(method="POST", data=data), request.files["image"].stream as stream:
        assert stream._rolled == is_on_disk
        assert len(stream.read()) == size
