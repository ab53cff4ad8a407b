"""Where the bytes of an upload go while its request is answered."""

from io import BytesIO
from tempfile import TemporaryFile
from typing import IO, Any

from flask import Flask, Request, request

from app.settings import Settings
from app.web.site import site

IN_MEMORY_BYTES = 1024 * 1024 + 64 * 1024  # of one request; beyond it they go through a file that has no name


FORM_BYTES = 500_000  # of a form without files
FORM = "application/x-www-form-urlencoded"


class UploadRequest(Request):
    """A request whose files of usual size never touch the disk, and that reads them when it is its turn.

    The worker hands on only what has arrived in full, so that no turn waits for a slow client.
    """

    def _get_file_stream(self, total_content_length: int | None, *_: Any, **__: Any) -> IO[bytes]:
        is_small = total_content_length is not None and total_content_length <= IN_MEMORY_BYTES
        return BytesIO() if is_small else TemporaryFile()

    def _load_form_data(self) -> None:
        if self.mimetype == "multipart/form-data" and "form" not in self.__dict__:  # once read, it is there
            with site().gate:
                super()._load_form_data()
        else:
            super()._load_form_data()


def init_app(app: Flask, settings: Settings) -> None:
    app.before_request(bound_form)


def bound_form() -> None:
    """Bound a form without files, which is parsed as a whole and then takes 75 times its size."""
    if request.mimetype == FORM:
        request.max_content_length = FORM_BYTES
