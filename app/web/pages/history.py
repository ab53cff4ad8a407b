"""The history as a worklist: find rows, export them, delete them and bring them back."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, islice

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from app.errors import BundleError, NotFound, NothingSelected, TooLateToUndo
from app.history.duplicates import find_earlier
from app.history.entry import MAX_ENTRIES, Entry, discard_now
from app.history.export import formats
from app.history.store import HistoryStore
from app.history.summary import Summary
from app.history.worklist import FILTERS, SORTS, Query, search
from app.recognition.limits import MAX_QUERY
from app.recognition.origin import ADDRESS, UPLOAD
from app.recognition.words import fold_text
from app.texts import Text
from app.web.languages import choose_language, translate
from app.web.marks import costly, limited
from app.web.pages.back import own_path
from app.web.sessions import history_owner
from app.web.site import site
from app.web.template_filters import own_name

bp = Blueprint("history", __name__, url_prefix="/classify/history")
PIECE = 200  # rows of an export read at a time
OWN_SOURCES = {UPLOAD: Text("Your upload"), ADDRESS: Text("Web address")}


@bp.get("")
@limited
def index() -> str:
    """Show one page of the rows that the query string asks for. Touches the session."""
    owner, query = history_owner(), _query()
    total, summaries = site().history.count(owner), site().history.summaries(owner)
    worklist, names = search(summaries, query, _source_names()), _names(summaries)
    if query.sort == "category":  # by name in the visitor's language
        worklist.found.sort(key=lambda summary: fold_text(names[summary.category]))
    number = min(_page(), worklist.pages)
    ids = [summary.id for summary in worklist.page(number)]
    entries = site().history.entries(owner, ids)
    return render_template(
        "history.html",
        max_query=MAX_QUERY,
        query=query,
        worklist=worklist,
        number=number,
        names=names,
        source_names=_source_names(),
        entries=entries,
        history_count=total,
        unreadable=total - len(summaries) + len(ids) - len(entries),
        earlier=find_earlier(summaries, set(ids)),
        discarded=site().history.last_discarded(owner),
        formats=formats(choose_language()),
    )


@bp.route("/export/<kind>", methods=["GET", "POST"])
@costly  # a full history takes seconds
def export(kind: str) -> ResponseReturnValue:
    """Send the selected rows as a file, or all that match if none is selected. Touches the session."""
    if kind not in (known := formats(choose_language())):
        raise NotFound
    write, mimetype = known[kind]
    entries = _read_in_pieces(site().history, history_owner(), _selected_ids() or _matching_ids())
    first = list(islice(entries, 1))  # read before the answer begins, so that a fault still has a status
    response = Response(write(chain(first, entries)), mimetype=mimetype)
    response.headers.set("Content-Disposition", "attachment", filename=f"history.{kind}")
    return response


@bp.post("/delete")
@limited
def delete() -> ResponseReturnValue:
    """Delete the selected rows; the page then offers to undo that. Touches the session."""
    if not (ids := _matching_ids() if "all" in request.form else _selected_ids()):
        raise NothingSelected
    site().history.discard(history_owner(), ids)
    return redirect(url_for(".index", **_query().arguments(), page=_page(), _anchor="undo"), 303)


@bp.post("/undo")
@limited
def undo() -> ResponseReturnValue:
    """Restore rows that were deleted together, and go back to the page `back`. Touches the session."""
    discarded_id = request.form.get("discarded", 0, type=int)
    if not 0 < discarded_id <= discard_now() or not site().history.restore(history_owner(), discarded_id):
        raise TooLateToUndo
    return redirect(own_path(request.form.get("back", "")) or url_for(".index"), 303)


def _read_in_pieces(store: HistoryStore, owner: str, ids: list[str]) -> Iterator[Entry]:
    """Read entries piece by piece: a full history takes hundreds of megabytes."""
    for start in range(0, len(ids), PIECE):
        yield from store.entries(owner, ids[start : start + PIECE])


def _query() -> Query:
    """Read the filters from the query string; an unknown order gives the default one."""
    values = {name: request.args.get(name, "")[:MAX_QUERY] for name in FILTERS}
    sort = request.args.get("sort", "")
    text = request.args.get("text", "").strip()[:MAX_QUERY]
    return Query(**values, text=text, sort=sort if sort in SORTS else "newest")


def _names(summaries: list[Summary]) -> dict[str, str]:
    """Return the name of each category of the history in the visitor's language, by slug."""
    names = {summary.category: summary.name for summary in summaries}
    if choose_language() == "en":  # the names are stored in English
        return names
    models, mapping = site().models, site().settings.taxonomy_map
    with suppress(BundleError):  # a history can be read without the network
        categories = mapping.targets.values() if mapping else models.taxonomy.categories
        names |= {one.slug: own_name(one) for one in categories if one.slug in names}
    return names


def _source_names() -> dict[str, str]:
    """Return the translated names of sources that have no name of their own."""
    return {source: str(translate(name)) for source, name in OWN_SOURCES.items()}


def _page() -> int:
    return max(1, request.args.get("page", 1, type=int))


def _selected_ids() -> list[str]:
    """Return the ids of the rows that the form selects; none if it selects all that match."""
    return [] if "all" in request.form else list(dict.fromkeys(request.form.getlist("row")))[:MAX_ENTRIES]


def _matching_ids() -> list[str]:
    """Return the ids of all rows that the query string asks for."""
    worklist = search(site().history.summaries(history_owner()), _query(), _source_names())
    return [summary.id for summary in worklist.found]
