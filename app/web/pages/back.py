"""The way back to a page that a form or link names."""


def own_path(path: str) -> str:
    """Return `path` if it leads to a page of this site, else an empty text.

    Browsers read a backslash as a slash and drop tabs and line ends, so both may hide another host.
    """
    is_own = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if is_own else ""
