"""The API for people: every call with its fields, its errors, examples, and a form to try it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request

from app.web.api.document import make_document, operations, translated
from app.web.caching import cacheable

bp = Blueprint("api_page", __name__, url_prefix="/api")
SOME_SITE = "http://127.0.0.1:8000"  # a script replaces it by the own address, which no cache may keep

Schema = dict[str, Any]


@dataclass(frozen=True)
class Field:
    """A field that a call takes or answers; `name` is its whole path, such as results[].verdict."""

    name: str
    kind: str
    description: str
    choices: tuple[str, ...] = ()
    default: Any = ""


@bp.get("/")
@cacheable
def index() -> str:
    """Show the document of the API."""
    document = translated(make_document())
    schemas = document["components"]["schemas"]
    calls = []
    for operation in operations():
        described = document["paths"][operation.path][operation.method.lower()]
        bodies = described.get("requestBody", {}).get("content", {})
        calls.append(
            {
                "method": operation.method,
                "path": request.script_root + operation.path,
                "call": operation.call,
                "needs_key": operation.needs_key,
                "faults": operation.faults,
                "description": described["description"],
                "summary": described["summary"],
                "takes": _arguments(described) if not bodies else _first_body(bodies, schemas),
                "bodies": list(bodies),
                "answers": list(_fields(_answer(described), schemas)),
            }
        )
    return render_template("api.html", about=document["info"]["description"], calls=calls, origin=SOME_SITE)


def _arguments(described: Schema) -> list[Field]:
    arguments = [one for one in described["parameters"] if one.get("in") == "query"]
    return [_field(one["name"], {**one["schema"], "description": one["description"]}) for one in arguments]


def _first_body(bodies: Schema, schemas: Schema) -> list[Field]:
    return list(_fields(next(iter(bodies.values()))["schema"], schemas))


def _answer(described: Schema) -> Schema:
    [success] = [response for status, response in described["responses"].items() if status < "300"]
    schema: Schema = success["content"]["application/json"]["schema"]
    return schema


def _fields(schema: Schema, schemas: Schema, above: str = "") -> Iterator[Field]:
    """List the fields of an object, those of the objects in it after each."""
    for name, described in _resolve(schema, schemas).get("properties", {}).items():
        own = _resolve(described, schemas)
        yield _field(above + name, own)
        inner, mark = own, "."
        while inner.get("type") == "array":
            inner, mark = _resolve(inner.get("items", {}), schemas), f"[]{mark}"
        yield from _fields(inner, schemas, f"{above}{name}{mark}")


def _resolve(schema: Schema, schemas: Schema) -> Schema:
    """Follow a reference, and take what is not null of a schema that may be null."""
    kinds = [_resolve(one, schemas) for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if kinds:
        own = {"type": " | ".join(kind["type"] for kind in kinds)} if len(kinds) > 1 else {}
        return {**kinds[0], **schema, **own}
    if "$ref" in schema:
        found: Schema = schemas[schema["$ref"].rpartition("/")[2]]
        return {**found, **{name: value for name, value in schema.items() if name != "$ref"}}
    return schema


def _field(name: str, schema: Schema) -> Field:
    kind = "file" if _is_file(schema) else schema.get("type", "string")
    choices = tuple(map(str, schema.get("enum", ())))
    if kind == "boolean":
        choices = ("false", "true")
    default = schema.get("default", "")
    return Field(
        name,
        kind,
        schema.get("description", ""),
        choices,
        str(default).lower() if isinstance(default, bool) else default or "",
    )


def _is_file(schema: Schema) -> bool:
    return "binary" in {schema.get("format"), schema.get("items", {}).get("format")}
