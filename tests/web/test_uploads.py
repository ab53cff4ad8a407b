"""Where the bytes of an upload go."""

from io import BytesIO

import pytest
from flask import Flask, request

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
