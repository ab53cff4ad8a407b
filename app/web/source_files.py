"""The site's own source: a fixed list of files, and their highlighting."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.styles import get_style_by_name
from pygments.token import STANDARD_TYPES

from app.errors import NotFound

PATTERNS = (
    ".dockerignore",
    ".gitignore",
    ".pre-commit-config.yaml",
    "wsgi.py",
    "requirements*.txt",
    "pyproject.toml",
    "biome.jsonc",
    "Makefile",
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "LICENSE",
    ".ci/run",
    ".github/workflows/*.yml",
    "app/**/*.py",
    "app/**/*.po",
    "app/recognition/*.csv",
    "deploy/*",
    "templates/**/*.html",
    "static/**/*.css",
    "static/**/*.js",
    "static/**/*.svg",
    "tests/**/*.py",
    "tests/**/*.sh",
    "tests/**/*.toml",
    "bench/**/*.py",
    "bench/**/*.sh",
    "bench/**/*.txt",
    "docs/**/*.md",
    "docs/**/*.py",
    "docs/**/*.csv",
    "weights/README.md",
)
VENDORED = "static/vendor/"

LEXERS = {
    ".py": "python",
    ".html": "html+jinja",
    ".css": "css",
    ".js": "javascript",
    ".md": "markdown",
    ".po": "po",
    ".toml": "toml",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".svg": "xml",
    ".sh": "bash",
    "Makefile": "make",
    "run": "bash",
}

LIGHT_STYLE = "xcode"
DARK_STYLE = "github-dark"


@dataclass(frozen=True)
class Folder:
    """A folder of the tree: its folders by name, and the full names of its files by base name."""

    folders: dict[str, Folder] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


def list_files(root: Path) -> dict[str, Path]:
    """List the files below `root` that match `PATTERNS`: paths by sorted relative name.

    Lists regular files only, and nothing behind a symbolic link.
    """
    root = root.resolve()
    found = sorted({path for pattern in PATTERNS for path in root.glob(pattern)})
    paths = {path.relative_to(root).as_posix(): path for path in found}
    return {
        name: path
        for name, path in paths.items()
        if path.is_file() and path == path.resolve() and not name.startswith(VENDORED)
    }


def build_tree(names: Iterable[str]) -> Folder:
    """Arrange file names with slashes in nested folders, in the given order."""
    root = Folder()
    for name in names:
        *parents, last = name.split("/")
        folder = root
        for parent in parents:
            folder = folder.folders.setdefault(parent, Folder())
        folder.files[last] = name
    return root


def read_bytes(path: Path) -> bytes:
    """Read a listed file. Raises NotFound if it has been removed since."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFound from error


def highlighted_lines(path: Path) -> tuple[Markup, ...]:
    """Highlight a listed file; return the HTML of each line, without line ends.

    Kept in memory until the file changes. Raises NotFound if the file has been removed since.
    """
    try:
        changed = path.stat().st_mtime_ns
    except OSError as error:
        raise NotFound from error
    return _highlight(path, changed)


def stylesheet() -> str:
    """Return static/pygments.css: `python -m app.web.source_files > static/pygments.css` writes it.

    It has the colours of both styles, but neither bold nor italics, which cannot follow light and dark.
    """
    light, dark = get_style_by_name(LIGHT_STYLE), get_style_by_name(DARK_STYLE)
    classes = defaultdict(list)
    for token, name in STANDARD_TYPES.items():
        both = (style.style_for_token(token)["color"] for style in (light, dark))
        classes[_light_dark(*(f"#{one}" if one else "var(--text)" for one in both))].append(f".{name}")
    text, *colours = classes  # what is not told apart comes first
    background = _light_dark(light.background_color, dark.background_color)
    return "\n".join(
        [
            "/* Generated: python -m app.web.source_files > static/pygments.css */",
            f".highlight {{ background: {background}; color: {text}; }}",
            *(f".highlight :is({', '.join(classes[colour])}) {{ color: {colour}; }}" for colour in colours),
        ]
    )


@lru_cache(maxsize=512)
def _highlight(path: Path, changed: int) -> tuple[Markup, ...]:
    text = read_bytes(path).decode(errors="replace")
    if not text:
        return ()
    lexer = get_lexer_by_name(LEXERS.get(path.suffix or path.name, "text"), stripnl=False)
    html = highlight(text, lexer, HtmlFormatter(nowrap=True))
    return tuple(Markup(line) for line in html.removesuffix("\n").split("\n"))  # noqa: S704  escaped by Pygments


def _light_dark(light: str, dark: str) -> str:
    return f"light-dark({light}, {dark})"


if __name__ == "__main__":
    print(stylesheet())
