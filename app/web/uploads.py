"""Where the bytes of an upload stay while the site answers its request."""

import logging
from io import BytesIO
from tempfile import TemporaryFile
from typing import IO, Any

from flask import Flask, Request, g, request
from werkzeug.datastructures import FileStorage, MultiDict

from app.errors import FormTooLarge, MachineFull, Overloaded
from app.settings import Settings
from app.sources.source import clean_line
from app.web import metrics
from app.web.site import site

IN_MEMORY_BYTES = 1024 * 1024 + 64 * 1024  # of one request; more goes to a file without a name
REFUSAL = "site.refusal"  # in the WSGI environment: the class of the error for which the server left the body


FORM_BYTES = 500_000  # in a form without files
FORM = "application/x-www-form-urlencoded"


NAME_LENGTH = 80  # characters of a file name that is kept and shown
MAX_TEXT = 4000  # characters in the name or the value of a field

log = logging.getLogger(__name__)


class UploadRequest(Request):
    """A request that reads its files in its turn; those of usual size never touch the disk.

    The server passes on only complete requests, so that no turn waits for a slow client.
    """

    def _get_file_stream(self, total_content_length: int | None, *_: Any, **__: Any) -> IO[bytes]:
        is_small = total_content_length is not None and total_content_length <= IN_MEMORY_BYTES
        if is_small:
            return BytesIO()
        return _open_file()

    def _load_form_data(self) -> None:
        if self.mimetype == "multipart/form-data" and "form" not in self.__dict__:  # not read yet
            with site().gate:
                super()._load_form_data()
        else:
            super()._load_form_data()
        _bound_texts(self.form)


def init_app(app: Flask, settings: Settings) -> None:
    app.before_request(refuse)
    app.before_request(bound_texts)


def refuse() -> None:
    """Raise the error for which the server has refused to read a request."""
    refusal = request.environ.get(REFUSAL)
    if refusal is Overloaded:
        metrics.refused.labels("overloaded").inc()
        g.is_quiet = True  # a flood of them would fill the log
    if refusal:
        raise refusal


def bound_texts() -> None:
    """Bound the texts in an address, and a form without files: parsed, it takes 75 times its size.

    Raises FormTooLarge.
    """
    _bound_texts(request.args)
    if request.mimetype == FORM:
        request.max_content_length = FORM_BYTES


def file_name(file: FileStorage) -> str:
    """Return the name of an uploaded file, as it can be shown."""
    return clean_line(file.filename)[:NAME_LENGTH]


def check() -> None:
    """Check that uploads of more than usual size have room on the disk. Raises MachineFull."""
    try:
        with _open_file() as file:
            file.write(bytes(4096))
            file.flush()
    except OSError as error:
        raise MachineFull from error


def _open_file() -> IO[bytes]:
    try:
        return TemporaryFile()
    except OSError as error:  # also if there is no temporary folder
        log.error("no temporary file: %s", error)
        raise MachineFull from error


def _bound_texts(fields: MultiDict[str, str]) -> None:
    if any(len(name) > MAX_TEXT or max(map(len, texts)) > MAX_TEXT for name, texts in fields.lists()):
        raise FormTooLarge
