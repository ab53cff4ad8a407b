"""What Flask and Werkzeug refuse by themselves, as pages and as JSON."""

import pytest
from flask.testing import FlaskClient
from markupsafe import escape
from werkzeug.test import encode_multipart

from app.errors import AppError, FormTooLarge, TooLarge

TOO_MANY_PARTS = {f"field{number}": "x" for number in range(130)}
LONG_TEXT = {"field": "x" * 600_000}
TOO_MUCH = {"field": "x" * 11_000_000}


@pytest.mark.parametrize("path", ["/classify/clear", "/api/v1/predictions"])
def test_a_wrong_method_is_answered_with_the_right_ones(client: FlaskClient, path: str) -> None:
    answer = client.put(path)
    assert answer.status_code == 405
    assert "POST" in answer.allow
    assert answer.headers.getlist("Content-Type") == [answer.content_type]


@pytest.mark.parametrize(("form", "error"), [
    pytest.param(TOO_MANY_PARTS, FormTooLarge, id="too many parts"),
    pytest.param(LONG_TEXT, FormTooLarge, id="a long text"),
    pytest.param(TOO_MUCH, TooLarge, id="more than 10 MB"),
])  # fmt: skip
@pytest.mark.parametrize("path", ["/classify/", "/api/v1/predictions"])
def test_a_large_form_is_refused_with_what_is_too_large(
    client: FlaskClient, path: str, form: dict[str, str], error: type[AppError]
) -> None:
    boundary, body = encode_multipart(form)
    answer = client.post(path, data=body, content_type=f"multipart/form-data; boundary={boundary}")
    assert answer.status_code == 413
    if answer.is_json:
        assert answer.get_json() == {"error": error().to_json()}
    else:
        assert str(escape(error.sentence)) in answer.text


def test_an_error_says_its_code_and_its_sentence_in_json() -> None:
    assert TooLarge("That is large.").to_json() == {"code": "too_large", "message": "That is large."}
