"""Where the bytes of an upload go."""

import pytest
from flask import Flask, request

from app.uploads import IN_MEMORY_BYTES


@pytest.mark.parametrize(("size", "is_on_disk"), [(1024 * 1024, False), (IN_MEMORY_BYTES + 1, True)])
def test_only_a_large_upload_goes_through_a_file(app: Flask, size: int, is_on_disk: bool) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    body = head + bytes(size) + b"\r\n--b--\r\n"
    kind = "multipart/form-data; boundary=b"
    with (
        app.test_request_context(method="POST", data=body, content_type=kind),
        request.files["image"].stream as stream,
    ):
        assert stream._rolled == is_on_disk
        assert len(stream.read()) == size
