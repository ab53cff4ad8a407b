"""Where the bytes of an upload go while its request is answered."""

import logging
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO, Any

from flask import Flask, Request, request
from werkzeug.datastructures import MultiDict

from app.errors import FormTooLarge, MachineFull
from app.settings import Settings
from app.web.site import site

IN_MEMORY_BYTES = 1024 * 1024 + 64 * 1024  # of one request; beyond it they go through a file that has no name


FORM_BYTES = 500_000  # of a form without files
FORM = "application/x-www-form-urlencoded"


MAX_TEXT = 4000  # characters of the name of a field, or of a text in it

log = logging.getLogger(__name__)


class UploadRequest(Request):
    """A request whose files of usual size never touch the disk, and that reads them when it is its turn.

    The worker hands on only what has arrived in full, so that no turn waits for a slow client.
    """

    def _get_file_stream(self, total_content_length: int | None, *_: Any, **__: Any) -> IO[bytes]:
        is_small = total_content_length is not None and total_content_length <= IN_MEMORY_BYTES
        if is_small:
            return BytesIO()
        try:
            return TemporaryFile()
        except OSError as error:  # also where there is no folder for it
            log.error("no temporary file: %s", error)
            raise MachineFull from error

    def _load_form_data(self) -> None:
        if self.mimetype == "multipart/form-data" and "form" not in self.__dict__:  # once read, it is there
            with site().gate:
                super()._load_form_data()
        else:
            super()._load_form_data()
        _bound_texts(self.form)


def init_app(app: Flask, settings: Settings) -> None:
    app.before_request(bound_texts)


def bound_texts() -> None:
    """Bound the texts in an address, and a form without files, which when parsed takes 75 times its size.

    Raises FormTooLarge.
    """
    _bound_texts(request.args)
    if request.mimetype == FORM:
        request.max_content_length = FORM_BYTES


def _bound_texts(fields: MultiDict[str, str]) -> None:
    if any(len(name) > MAX_TEXT or max(map(len, texts)) > MAX_TEXT for name, texts in fields.lists()):
        raise FormTooLarge
