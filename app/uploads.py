"""Where the bytes of an upload go while its request is answered."""

from tempfile import SpooledTemporaryFile
from typing import IO, Any

from flask import Request

IN_MEMORY_BYTES = 1024 * 1024 + 64 * 1024  # of one request; beyond it they go through a file that has no name


class UploadRequest(Request):
    """A request whose files of usual size never touch the disk."""

    def _get_file_stream(self, *_: Any, **__: Any) -> IO[bytes]:
        return SpooledTemporaryFile(IN_MEMORY_BYTES)  # Werkzeug's own begins to write at half of that
