"""API keys: whose programs may classify, and how much. The site knows only hashes of them."""

import hashlib
import hmac
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from app.errors import SettingsError


class ApiKey(Struct, frozen=True, forbid_unknown_fields=True):
    """A key by the SHA-256 of its text; `rate` is written like RATE_LIMIT, for all who use the key."""

    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    rate: str
    name: str = ""


def read_keys(path: Path) -> tuple[ApiKey, ...]:
    """Read a file with a table `[name]` for each key. Raises SettingsError with a sentence."""
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
        keys = [
            msgspec.structs.replace(key, name=name)
            for name, key in msgspec.convert(tables, dict[str, ApiKey]).items()
        ]
    except (OSError, ValueError, msgspec.ValidationError) as error:  # ValueError: no TOML, no UTF-8
        raise SettingsError(f"API_KEYS must be a file as docs/settings.md shows it: {error}.") from error
    if not keys or len({key.sha256 for key in keys}) < len(keys):
        raise SettingsError(f"API_KEYS must name at least one key, and none twice: {path}.")
    return tuple(keys)


def find_key(keys: Iterable[ApiKey], given: str) -> ApiKey | None:
    """Find the key with this text, in a time that says nothing about the others."""
    own = hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()
    matches = [key for key in keys if hmac.compare_digest(key.sha256, own)]
    return matches[0] if matches else None
