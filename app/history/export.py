"""Write rows of the history as CSV, JSON Lines or Parquet."""

import codecs
import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib.util import find_spec
from typing import Any

from app.history.entry import Entry, to_json
from app.recognition.origin import Origin
from app.recognition.prediction import BEST

NO_GUESSES: list[dict[str, Any]] = [{}] * BEST  # a network with fewer categories leaves columns empty
# Full-width signs, too, and after a character at which a spreadsheet may split a cell, such as a semicolon.
FORMULA = re.compile('(^|[;,"\t\r\n])(?=\\s*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20])')


def write_csv(entries: Iterable[Entry], in_french: bool = False) -> Iterator[bytes]:
    """Write a table that spreadsheets open with its accents intact and without any cell as a formula.

    Those set to French split a line at semicolons, and read numbers with a decimal comma.
    """
    line = partial(_line, delimiter=";" if in_french else ",")
    yield codecs.BOM_UTF8 + line(COLUMNS)
    for entry in entries:
        cells = [disarm(value) for value in flatten(entry).values()]
        yield line([_with_comma(cell) for cell in cells] if in_french else cells)


def write_json_lines(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Write one JSON object for each row, with everything but the photo."""
    for entry in entries:
        yield f"{json.dumps(to_json(entry))}\n".encode()


def write_parquet(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Write the table as Parquet."""
    import pyarrow as pa
    from pyarrow import parquet

    file = io.BytesIO()
    rows = [flatten(entry) for entry in entries]
    if any(isinstance(row[name], str) for row in rows for name in IDS):  # other catalogues may have such ids
        rows = [row | {name: None if row[name] is None else str(row[name]) for name in IDS} for row in rows]
    table = pa.Table.from_pylist(rows) if rows else pa.table({name: [] for name in COLUMNS})
    parquet.write_table(table, file)
    return iter([file.getvalue()])


Writer = Callable[[Iterable[Entry]], Iterator[bytes]]


def formats(language: str) -> dict[str, tuple[Writer, str]]:
    """Return the formats by file extension; Parquet is among them if pyarrow is installed."""
    known: dict[str, tuple[Writer, str]] = {
        "csv": (partial(write_csv, in_french=language == "fr"), "text/csv"),
        "jsonl": (write_json_lines, "application/jsonl"),
    }
    if find_spec("pyarrow"):
        known["parquet"] = (write_parquet, "application/vnd.apache.parquet")
    return known


def flatten(entry: Entry) -> dict[str, Any]:
    """Make one row of a table from text, numbers and a time; further guesses have an id and a name."""
    best, *others = [*entry.predictions, *NO_GUESSES][:BEST]
    origin = entry.origin
    row = {
        "id": entry.id,
        "created": entry.created,
        "verdict": entry.verdict,
        "needs_review": entry.needs_review,
        "category_id": best.get("category_id"),
        "category": best.get("name", ""),
        "category_fr": best.get("name_fr", ""),
        "path": " > ".join(best["path"]),
        "probability": best["probability"],
        "trusted_path": " > ".join(node["name"] for node in entry.roll_up if node["trusted"]),
    }
    for rank, guess in enumerate(others, start=2):
        row |= {
            f"category_id_{rank}": guess.get("category_id"),
            f"category_{rank}": guess.get("name", ""),
            f"probability_{rank}": guess.get("probability"),
        }
    right = entry.correction or {}
    row |= {
        "right_category_id": right.get("category_id"),
        "right_category": right.get("name", ""),
        "file_name": entry.file_name,
        "source": origin.source,
        "title": origin.title,
        "credit": origin.credit,
        "licence": origin.licence,
        "page_url": origin.page_url,
        "model": entry.model,
        "taxonomy": entry.taxonomy_version,
        "milliseconds": round(entry.milliseconds, 1),
        "fingerprint": entry.fingerprint,
    }
    return {name: plain(value) if isinstance(value, str) else value for name, value in row.items()}


def plain(text: str) -> str:
    """Replace lone surrogates: a title from the web may hold them, but no file can."""
    return text.encode("utf-8", "replace").decode()


def disarm(value: object) -> object:
    """Put an apostrophe before text that a spreadsheet would take for a formula.

    OWASP advises this: https://owasp.org/www-community/attacks/CSV_Injection
    """
    return FORMULA.sub(r"\1'", value) if isinstance(value, str) else value


def _line(cells: Sequence[object], delimiter: str) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter).writerow(cells)
    return file.getvalue().encode()


def _with_comma(cell: object) -> object:
    return str(cell).replace(".", ",") if isinstance(cell, float) else cell


EMPTY = Entry(predictions=[{"path": (), "probability": 0.0}], model="", taxonomy_version="", origin=Origin(),
              milliseconds=0.0, verdict="", roll_up=[], fingerprint="", dhash="")  # fmt: skip
COLUMNS = tuple(flatten(EMPTY))
IDS = [name for name in COLUMNS if "category_id" in name]
