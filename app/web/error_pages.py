"""The one place where exceptions become HTTP: a page for people, one JSON shape for programs."""

import logging
from http import HTTPStatus

from flask import Flask, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.datastructures import Headers, MIMEAccept
from werkzeug.exceptions import HTTPException

from app.errors import (
    AppError,
    FormTooLarge,
    MachineFull,
    NotFound,
    TooLarge,
    TooManyRequests,
    tells_of_full_machine,
)
from app.settings import Settings
from app.texts import Text
from app.web.classifying import ClientGone
from app.web.languages import translate
from app.web.sessions import has_cookie

RETRY_AFTER_SECONDS = "5"
CLIENT_GONE_STATUS = 499  # nginx's code for it
CSRF_SENTENCE = Text("This form has expired or came from another site. Open the page again and repeat it.")
COOKIE_SENTENCE = Text(
    "Your browser sent this form without the cookie of this site, which shows that the form is yours. Allow"
    " cookies for this site, open the page again and repeat it."
)
WERKZEUG_SENTENCES = (  # Werkzeug's own words, listed so that pybabel finds them
    Text("The browser (or proxy) sent a request that this server could not understand."),
    Text("The method is not allowed for the requested URL."),
    Text(
        "The server encountered an internal error and was unable to complete your request. Either the"
        " server is overloaded or there is an error in the application."
    ),
)

log = logging.getLogger(__name__)


def init_app(app: Flask, settings: Settings) -> None:
    app.register_error_handler(AppError, show_app_error)
    app.register_error_handler(ClientGone, show_client_gone)
    app.register_error_handler(CSRFError, show_csrf_error)
    app.register_error_handler(HTTPException, show_http_error)
    app.register_error_handler(MemoryError, show_machine_fault)
    app.register_error_handler(OSError, show_machine_fault)
    for template in ("error.html", "base.html"):  # read now: too late once file handles have run out
        app.jinja_env.get_template(template)


def show_app_error(error: AppError) -> ResponseReturnValue:
    """Answer with the code, status and sentence of a domain exception."""
    headers = Headers()
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return _answer(error.status, error.code, error.args[0], headers)


def show_client_gone(error: ClientGone) -> ResponseReturnValue:
    """Answer nobody: the status is only for the log and the metrics."""
    return "", CLIENT_GONE_STATUS


def show_csrf_error(error: CSRFError) -> ResponseReturnValue:
    """Refuse a form without a valid token; a browser without our cookie can have none."""
    return _answer(403, "csrf", CSRF_SENTENCE if has_cookie() else COOKIE_SENTENCE)


def show_http_error(error: HTTPException) -> ResponseReturnValue:
    """Answer what Flask and Werkzeug raise themselves."""
    status = error.code or 500
    if tells_of_full_machine(getattr(error, "original_exception", None)):  # raised outside a view
        return show_app_error(MachineFull())
    if status == 404:
        return show_app_error(NotFound())
    if status == 413:
        return show_app_error(FormTooLarge() if _body_fits() else TooLarge())
    if status >= 500 and current_app.debug:
        return error
    phrase = HTTPStatus(status).phrase
    headers = Headers(error.get_headers())  # such as Allow with a 405
    headers.remove("Content-Type")
    return _answer(status, phrase.lower().replace(" ", "_"), Text(error.description or phrase), headers)


def show_machine_fault(error: MemoryError | OSError) -> ResponseReturnValue:
    """Answer if the machine has reached a limit; raise any other error of the system again."""
    if not tells_of_full_machine(error):
        raise error
    log.error("the machine is full: %r", error)
    return show_app_error(MachineFull())


def wants_json() -> bool:
    """Tell a program, or a page's script, from a person."""
    return is_program(request.path, request.accept_mimetypes)


def is_program(path: str, accepted: MIMEAccept) -> bool:
    """Tell a program from a person by the path of a request and the media types that it accepts."""
    return path.startswith("/api/") or accepted.best == "application/json"


def _body_fits() -> bool:
    """Tell a small body that holds an unreasonable form from a body that is too large."""
    limit = current_app.config["MAX_CONTENT_LENGTH"]
    return request.content_length is not None and request.content_length <= limit


def _answer(status: int, code: str, message: str, headers: Headers | None = None) -> ResponseReturnValue:
    message = translate(message)
    if wants_json():
        response = jsonify(error={"code": code, "message": message})
    else:
        page = render_template("error.html", code=code, message=message, status=status)
        response = current_app.make_response(page)
    response.status_code = status
    if status in {429, 503}:
        response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    response.headers.update(headers or {})
    return response
