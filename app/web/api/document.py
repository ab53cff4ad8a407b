"""The OpenAPI document of the API, made from the types that its views read and answer."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec
from apispec import APISpec
from flask import Blueprint, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.routing import Rule

from app.errors import (
    AppError,
    BadRequest,
    ErrorBody,
    FormTooLarge,
    MachineFull,
    NoKey,
    TooManyRequests,
    UnknownKey,
)
from app.sources.fetch import VERSION
from app.texts import Text
from app.web.api.documented import Call
from app.web.caching import cacheable
from app.web.languages import gettext
from app.web.marks import limited
from app.web.site import site

OPENAPI = "3.1.0"
SCHEMAS = "#/components/schemas/{name}"
JSON = "application/json"
OF_EVERY_CALL = (BadRequest, FormTooLarge, MachineFull, TooManyRequests)
SENTENCES = {"description", "summary"}  # the parts of the document to translate
ABOUT = Text(
    "Names the most likely categories of product photos. It keeps nothing but the feedback that you send and"
    " the classifiers that you teach. Codes and names of fields never change with the language; sentences"
    " follow Accept-Language (English or French)."
)
REQUEST_ID = {
    "description": str(Text("The id of the request, which is in the log, too.")),
    "schema": {"type": "string"},
}
RETRY_AFTER = {
    "description": str(Text("The seconds after which to try again.")),
    "schema": {"type": "integer", "minimum": 0},
}
ID = Text("The id, as the API gave it.")
LANGUAGE = {
    "in": "header",
    "name": "Accept-Language",
    "description": str(Text("The language of the sentences: en or fr.")),
    "schema": {"type": "string"},
    "example": "fr",
}

HEADERS_OF = {401: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}

bp = Blueprint("document", __name__, url_prefix="/api/v1")


@dataclass(frozen=True)
class Operation:
    """One call of the API: where it is, and what its view says of itself."""

    method: str
    path: str
    call: Call
    needs_key: bool

    @property
    def faults(self) -> dict[int, list[type[AppError]]]:
        """The errors by their status."""
        errors: set[type[AppError]] = {*OF_EVERY_CALL, *self.call.errors}
        errors |= {NoKey, UnknownKey} if self.needs_key else set()
        found: dict[int, list[type[AppError]]] = {}
        for error in sorted(errors, key=lambda one: (one.status, one.code)):
            found.setdefault(error.status, []).append(error)
        return found


@bp.get("/openapi.json")
@limited
@cacheable
def openapi() -> ResponseReturnValue:
    """Send the document, with its sentences in the language of the client."""
    return jsonify(translated(make_document()))


def operations() -> Iterator[Operation]:
    """List the calls of the API, in the order in which they were added to the site."""
    for rule in current_app.url_map.iter_rules():
        view = current_app.view_functions[rule.endpoint]
        if call := getattr(view, "documented", None):
            needs_key = bool(site().settings.api_keys) and hasattr(view, "keyed")
            path = rule.rule.replace("<", "{").replace(">", "}")
            yield Operation(_method(rule), path, call, needs_key)


def make_document() -> dict[str, Any]:
    """Make the document, in English."""
    found = list(operations())
    schemas = _Schemas(found)
    spec = APISpec(
        "Product image classifier",
        VERSION,
        OPENAPI,
        info={"description": str(ABOUT), "license": {"name": "MIT", "identifier": "MIT"}},
        servers=[{"url": request.script_root or "/"}],
    )
    for name, schema in schemas.components.items():
        spec.components.schema(name, schema)
    if any(operation.needs_key for operation in found):
        spec.components.security_scheme("key", {"type": "http", "scheme": "bearer"})
    spec.components.header("WWW-Authenticate", {"schema": {"type": "string"}})
    spec.components.header("X-Request-ID", REQUEST_ID)
    spec.components.header("Retry-After", RETRY_AFTER)
    spec.components.parameter("Accept-Language", "header", {**LANGUAGE})
    for operation in found:
        method = operation.method.lower()
        spec.path(operation.path, operations={method: _describe(operation, schemas)})
    return spec.to_dict()


def translated(part: Any) -> Any:
    """Translate the sentences of a document into the language of the client."""
    if isinstance(part, list):
        return [translated(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        name: gettext(value) if name in SENTENCES and isinstance(value, str) else translated(value)
        for name, value in part.items()
    }


class _Schemas:
    """The schemas of all types that calls read and answer."""

    def __init__(self, found: list[Operation]) -> None:
        calls = [operation.call for operation in found]
        types: set[Any] = {ErrorBody, *(kind for call in calls for kind in (call.answer, call.query))}
        types |= {body for call in calls for body in call.bodies.values()}
        named = sorted(types - {None}, key=lambda kind: str(kind.__name__))
        refs, components = msgspec.json.schema_components(named, ref_template=SCHEMAS)
        arguments = {call.query.__name__ for call in calls if call.query}
        self._arguments = {name: components.pop(name) for name in arguments}
        self.components = components
        self._refs: dict[Any, dict[str, Any]] = dict(zip(named, refs, strict=True))

    def ref(self, kind: Any) -> dict[str, Any]:
        return self._refs[kind]

    def arguments(self, kind: Any) -> list[dict[str, Any]]:
        """Describe each field of a type as an argument of an address."""
        schema = self._arguments[kind.__name__]
        return [
            {
                "in": "query",
                "name": name,
                "description": field.get("description", ""),
                "required": name in schema["required"],
                "schema": {key: value for key, value in field.items() if key != "description"},
            }
            for name, field in schema["properties"].items()
        ]


def _method(rule: Rule) -> str:
    [method] = (rule.methods or set()) - {"HEAD", "OPTIONS"}
    return method


def _describe(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    call, faults = operation.call, operation.faults
    path = operation.path.removeprefix(bp.url_prefix or "")
    name = "_".join(step for step in path.split("/") if step and not step.startswith("{"))
    described: dict[str, Any] = {
        "operationId": f"{operation.method.lower()}_{name}",
        "summary": str(call.summary),
        "description": str(call.description),
        "parameters": [
            "Accept-Language",
            *_in_path(path),
            *(schemas.arguments(call.query) if call.query else ()),
        ],
        "responses": {str(call.status): _success(call, schemas)}
        | {str(status): _failure(status, errors, schemas) for status, errors in faults.items()},
    }
    if operation.needs_key:
        described["security"] = [{"key": []}]
    if call.bodies:
        content = {kind: {"schema": _body(body, schemas)} for kind, body in call.bodies.items()}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _in_path(path: str) -> list[dict[str, Any]]:
    """Describe the ids in the path of a call."""
    about = {"in": "path", "required": True, "description": str(ID), "schema": {"type": "string"}}
    return [{"name": name, **about} for name in re.findall(r"{(\w+)}", path)]


def _body(body: Any, schemas: _Schemas) -> dict[str, Any]:
    return schemas.ref(body) if body else {"type": "string", "format": "binary"}


def _success(call: Call, schemas: _Schemas) -> dict[str, Any]:
    return {
        "description": HTTPStatus(call.status).phrase,
        "content": {JSON: {"schema": schemas.ref(call.answer)}},
        "headers": {"X-Request-ID": "X-Request-ID"},
    }


def _failure(status: int, errors: list[type[AppError]], schemas: _Schemas) -> dict[str, Any]:
    """Describe the answer of a status, with an example for each error that has it."""
    shown = {
        error.code: {"value": {"error": {"code": error.code, "message": error.sentence}}} for error in errors
    }
    headers = ["X-Request-ID", *HEADERS_OF.get(status, ())]
    return {
        "description": HTTPStatus(status).phrase,
        "content": {JSON: {"schema": schemas.ref(ErrorBody), "examples": shown}},
        "headers": {name: name for name in headers},
    }
