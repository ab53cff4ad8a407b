import os
import shutil
import subprocess
import time
from fnmatch import fnmatch
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import ChoiceLoader, DictLoader, FileSystemLoader
from pygments.styles import get_style_by_name

from app.settings import ROOT, Settings
from app.web import error_pages, languages, page_cache, template_filters
from app.web.pages import source
from app.web.recent import Recent
from app.web.source_files import DARK_STYLE, LIGHT_STYLE, PATTERNS, build_tree, list_files, stylesheet

BARE_PAGES = {
    "base.html": "<title>{% block title %}{% endblock %}</title>{% block head %}{% endblock %}"
    "<main>{% block main %}{% endblock %}</main>",
    "error.html": "{{ message }}",
}
NOT_SHOWN = (
    "static/vendor/*",
    "weights/*/*",
    "docs/screenshots/*",
    "docs/*.svg",
    "static/examples/*.jpg",
    "app/web/translations/*.mo",
)  # the page says so of all but pictures
SECRET = "nobody may read this"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with ordinary files, an empty one, a secret, and links that lead to the secret."""
    root = tmp_path / "project"
    files = {
        "wsgi.py": "application = '<b>&'\n",
        "README.md": "# Read & <b>\n\n[How to](docs/strange.md#start) ![A picture](a.png)\n",
        "app/__init__.py": "",
        "app/web/pages/source.py": "\n\ndef first():\n    return 1\n",
        "app/tables.csv": SECRET,
        "static/base.css": "a { color: red }\n",
        "static/vendor/other.css": SECRET,
        "instance/secret_key": SECRET,
        "docs/strange.md": "caf\N{LATIN SMALL LETTER E WITH ACUTE}\n",
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / "app/link.py").symlink_to(root / "instance/secret_key")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "leak.py").write_text(SECRET)
    (root / "app/linked").symlink_to(outside)
    (root / "tests").symlink_to(outside)
    (root / "app/folder.py").mkdir()
    return root


@pytest.fixture
def tracked() -> list[str]:
    """The names of the files that git keeps; a copy without git skips the test, CI must have it."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        if os.environ.get("CI"):
            pytest.fail("git is missing")
        pytest.skip("needs git and a clone")
    command = [git, "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.removesuffix("\0").split("\0")


@pytest.fixture
def site(root: Path) -> Flask:
    site = Flask("site", root_path=str(root))
    site.jinja_loader = ChoiceLoader([DictLoader(BARE_PAGES), FileSystemLoader(ROOT / "templates")])
    site.register_blueprint(source.bp)
    pages: Recent[object, object] = Recent(9, page_cache.MAX_AGE_SECONDS)
    site.extensions["site"] = SimpleNamespace(source_files=list_files(root), pages=pages)
    for extension in (languages, template_filters, error_pages):
        extension.init_app(site, Settings())
    return site


@pytest.fixture
def visitor(site: Flask) -> FlaskClient:
    return site.test_client()


def test_the_list_holds_the_projects_own_regular_files_and_nothing_else(root: Path) -> None:
    assert list(list_files(root)) == [
        "README.md",
        "app/__init__.py",
        "app/web/pages/source.py",
        "docs/strange.md",
        "static/base.css",
        "wsgi.py",
    ]


def test_the_list_is_the_same_when_the_project_is_reached_through_a_link(root: Path) -> None:
    link = root.parent / "link"
    link.symlink_to(root)
    assert list_files(link) == list_files(root)


def test_the_project_itself_is_shown_whole(tracked: list[str]) -> None:
    own = {name for name in tracked if not any(fnmatch(name, pattern) for pattern in NOT_SHOWN)}
    assert own - set(list_files(ROOT)) == set()


def test_no_pattern_reaches_what_is_not_source() -> None:
    assert not [pattern for pattern in PATTERNS if pattern.startswith(("instance", "/", "..", "*"))]


def test_the_tree_nests_files_in_their_folders() -> None:
    tree = build_tree(["app/web/pages/source.py", "app/cli.py", "wsgi.py"])
    assert tree.files == {"wsgi.py": "wsgi.py"}
    assert tree.folders["app"].files == {"cli.py": "app/cli.py"}
    assert tree.folders["app"].folders["web"].folders["pages"].files == {
        "source.py": "app/web/pages/source.py"
    }


def test_the_first_page_is_the_readme_whose_links_lead_to_the_files(visitor: FlaskClient) -> None:
    page = visitor.get("/source/").text
    assert '<article class="readme" lang="en"><h2>Read &amp; &lt;b&gt;' in page
    assert '<a href="/source/docs/strange.md">' in page
    assert "<img" not in page.split('<article class="readme"')[1]


def test_every_listed_file_has_a_page_and_a_raw_view(site: Flask, visitor: FlaskClient) -> None:
    for name, path in site.extensions["site"].source_files.items():
        assert visitor.get(f"/source/{name}").status_code == 200
        assert visitor.get(f"/source/raw/{name}").data == path.read_bytes()


def test_the_tree_links_to_every_file_and_marks_the_current_one(site: Flask, visitor: FlaskClient) -> None:
    page = visitor.get("/source/app/web/pages/source.py").text
    for name in site.extensions["site"].source_files:
        assert f'<a href="/source/{name}"' in page
    assert page.count("aria-current") == 1
    assert '<a href="/source/app/web/pages/source.py" aria-current="page">source.py</a>' in page


def test_only_the_folders_around_the_current_file_are_open(visitor: FlaskClient) -> None:
    page = visitor.get("/source/app/web/pages/source.py").text
    folders = page.split('<details id="files" open>')[1]
    assert folders.count("<details open>") == 3
    assert folders.count("<details>") == 2


def test_every_line_has_a_number_that_links_to_it(visitor: FlaskClient) -> None:
    page = visitor.get("/source/app/web/pages/source.py").text
    for number in range(1, 5):
        assert f'<span class="line" id="L{number}"><a href="#L{number}">{number}</a>' in page
    assert 'id="L5"' not in page


def test_blank_lines_at_the_start_keep_their_numbers(visitor: FlaskClient) -> None:
    page = visitor.get("/source/app/web/pages/source.py").text
    assert '<a href="#L3">3</a><span class="k">def</span>' in page


def test_code_is_escaped(visitor: FlaskClient) -> None:
    page = visitor.get("/source/wsgi.py").text
    assert "&lt;b&gt;&amp;" in page
    assert "<b>" not in page


def test_no_style_or_script_stands_in_the_page(visitor: FlaskClient) -> None:
    page = visitor.get("/source/wsgi.py").text
    assert "style=" not in page
    assert "<style" not in page
    assert page.count("<script") == page.count("<script src=") == 1


def test_an_empty_file_says_so(visitor: FlaskClient) -> None:
    assert "This file is empty." in visitor.get("/source/app/__init__.py").text


def test_a_raw_view_is_plain_text_in_utf_8(visitor: FlaskClient) -> None:
    response = visitor.get("/source/raw/docs/strange.md")
    assert response.content_type == "text/plain; charset=utf-8"
    assert response.text == "caf\N{LATIN SMALL LETTER E WITH ACUTE}\n"


def test_a_file_that_is_not_utf_8_is_still_shown(root: Path, visitor: FlaskClient) -> None:
    (root / "README.md").write_bytes(b"caf\xe9\n")
    assert "caf\N{REPLACEMENT CHARACTER}" in visitor.get("/source/README.md").text


@pytest.mark.parametrize("view", ["/source/", "/source/raw/"])
@pytest.mark.parametrize(
    "name",
    [
        "../outside/leak.py",
        "app/../wsgi.py",
        "./wsgi.py",
        "%2e%2e/outside/leak.py",
        "%2e%2e%2foutside%2fleak.py",
        "..%5coutside%5cleak.py",
        "app\\__init__.py",
        "//etc/passwd",
        "/etc/passwd",
        "%2fetc/passwd",
        "app//__init__.py",
        "WSGI.py",
        "wsgi.PY",
        "wsgi.py/",
        "wsgi.py%00",
        "wsgi.py%20",
        "%00",
        "a" * 5000,
        "app",
        "app/",
        "app/folder.py",
        "app/link.py",
        "app/linked/leak.py",
        "tests/leak.py",
        "app/tables.csv",
        "instance/secret_key",
        "static/vendor/other.css",
    ],
)
def test_what_is_not_in_the_list_is_not_found(visitor: FlaskClient, view: str, name: str) -> None:
    response = visitor.get(view + name, follow_redirects=True)
    assert response.status_code == 404
    assert SECRET not in response.text


def test_a_file_that_has_gone_is_not_found(root: Path, visitor: FlaskClient) -> None:
    (root / "README.md").unlink()
    assert visitor.get("/source/README.md").status_code == 404
    assert visitor.get("/source/raw/README.md").status_code == 404


def test_a_changed_file_is_shown_once_the_kept_page_has_expired(
    root: Path, visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor.get("/source/README.md")
    path = root / "README.md"
    later = path.stat().st_mtime_ns + 1_000_000
    path.write_text("# Written again\n")
    os.utime(path, ns=(later, later))
    old = time.monotonic() + page_cache.MAX_AGE_SECONDS
    monkeypatch.setattr("app.web.recent.time", SimpleNamespace(monotonic=lambda: old))
    assert "Written again" in visitor.get("/source/README.md").text


@pytest.mark.parametrize("url", ["/source/", "/source/wsgi.py", "/source/raw/wsgi.py"])
def test_a_page_can_be_cached_and_sets_no_cookie(visitor: FlaskClient, url: str) -> None:
    response = visitor.get(url)
    assert response.cache_control.public
    assert "Set-Cookie" not in response.headers
    again = visitor.get(url, headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_the_committed_stylesheet_is_the_generated_one() -> None:
    assert (ROOT / "static/pygments.css").read_text() == stylesheet() + "\n"


@pytest.mark.parametrize("style", [LIGHT_STYLE, DARK_STYLE])
def test_every_colour_of_code_has_the_contrast_that_wcag_asks_for(style: str) -> None:
    colours = get_style_by_name(style)
    for token, rules in colours:
        if rules["color"] and "Whitespace" not in str(token):
            background = rules["bgcolor"] or colours.background_color.removeprefix("#")
            assert contrast(rules["color"], background) >= 4.5, token


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours, rrggbb, as WCAG 2.2 defines it."""
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    levels = [int(colour[index : index + 2], 16) / 255 for index in (0, 2, 4)]
    red, green, blue = (
        level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4 for level in levels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
