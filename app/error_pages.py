"""The one place where exceptions become HTTP: a page for people, one JSON shape for programs."""

from http import HTTPStatus

from flask import Flask, current_app, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from app.errors import AppError, NotFound, TooLarge
from app.settings import Settings

RETRY_AFTER_SECONDS = "5"
CSRF_SENTENCE = "This form has expired or came from another site. Open the page again and repeat it."


def init_app(app: Flask, settings: Settings) -> None:
    app.register_error_handler(AppError, show_app_error)
    app.register_error_handler(CSRFError, show_csrf_error)
    app.register_error_handler(HTTPException, show_http_error)


def show_app_error(error: AppError) -> ResponseReturnValue:
    """Answer a domain exception with its own code, status and sentence."""
    return _answer(error.status, error.code, str(error))


def show_csrf_error(error: CSRFError) -> ResponseReturnValue:
    """Answer a form without a valid token."""
    return _answer(403, "csrf", CSRF_SENTENCE)


def show_http_error(error: HTTPException) -> ResponseReturnValue:
    """Answer what Flask and Werkzeug raise themselves."""
    status = error.code or 500
    if status in {404, 413}:
        ours = NotFound() if status == 404 else TooLarge()
        return _answer(status, ours.code, str(ours))
    if status >= 500 and current_app.debug:
        return error
    phrase = HTTPStatus(status).phrase
    return _answer(status, phrase.lower().replace(" ", "_"), f"{error.description or phrase}")


def error_json(error: AppError) -> dict[str, str]:
    """The inside of the one JSON error shape."""
    return {"code": error.code, "message": str(error)}


def _answer(status: int, code: str, message: str) -> ResponseReturnValue:
    if request.path.startswith("/api/") or request.accept_mimetypes.best == "application/json":
        response = jsonify(error={"code": code, "message": message})
    else:
        page = render_template("error.html", code=code, message=message, status=status)
        response = current_app.make_response(page)
    response.status_code = status
    if status in {429, 503}:
        response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    return response
