"""Everything an operator can set, read once from the environment."""

import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from ipaddress import ip_address
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import urlsplit

from app.errors import DataError, SettingsError
from app.recognition.mapping import TaxonomyMap, read_map
from app.recognition.offers import CASE_STUDY, choose_default, find_offers
from app.recognition.taxonomy import read_taxonomy

ROOT = Path(__file__).parent.parent
DEFAULT_MODEL = CASE_STUDY
MIN_KEY_LENGTH = 16
MAX_PORT = 65_535
MAX_WORKERS = 256


@dataclass(frozen=True)
class Settings:
    """The site's settings; each is the environment variable of the same name in capitals."""

    model: str = DEFAULT_MODEL
    weights: Path = ROOT / "weights"
    instance: Path = ROOT / "instance"
    secret_key: str = ""
    taxonomy_map: TaxonomyMap | None = None
    redis_url: str = ""
    contact: str = "https://github.com/Rohan-Thoma/Ecommerce-product-image-classification"
    open_products_facts_url: str = "https://world.openproductsfacts.org"
    host: str = "127.0.0.1"
    port: int = 8000
    web_concurrency: int = 1

    @property
    def address(self) -> str:
        """Where the site listens, as a URL has it: 127.0.0.1:8000 or [::1]:8000."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read settings from environment variables. Raises SettingsError, a sentence, for a bad value."""
    values: dict[str, Any] = {
        field.name: environment[field.name.upper()].strip()
        for field in fields(Settings)
        if environment.get(field.name.upper(), "").strip()
    }
    for folder in ("weights", "instance"):
        if folder in values:
            values[folder] = Path(values[folder]).resolve()
    for number, most in (("port", MAX_PORT), ("web_concurrency", MAX_WORKERS)):
        if number in values:
            values[number] = _read_number(number.upper(), values[number], most)
    weights = values.get("weights", Settings.weights)
    values["taxonomy_map"] = _read_taxonomy_map(values.get("taxonomy_map", ""), weights)
    if "host" in values:
        values["host"] = _read_host(values["host"])
    values.setdefault("model", choose_default(find_offers(weights)))
    settings = Settings(**values)
    _check_url("OPEN_PRODUCTS_FACTS_URL", settings.open_products_facts_url, ("https://", "http://"))
    if settings.redis_url:
        _check_url("REDIS_URL", settings.redis_url, ("redis://", "rediss://"))
    if settings.model != Path(settings.model).name or settings.model == "..":
        raise SettingsError(f"MODEL must be the name of a folder in weights/, not {settings.model!r}.")
    if not all(letter.isprintable() and letter <= "\xff" for letter in settings.contact):
        raise SettingsError("CONTACT must be a line that fits an HTTP header: printable Latin-1 characters.")
    if settings.secret_key and len(settings.secret_key) < MIN_KEY_LENGTH:
        raise SettingsError(f"SECRET_KEY must have at least {MIN_KEY_LENGTH} characters.")
    return settings


def read_secret_key(settings: Settings) -> str:
    """Return SECRET_KEY, or the one kept in instance/secret_key (made on first use, mode 600)."""
    if settings.secret_key:
        return settings.secret_key
    path = settings.instance / "secret_key"
    try:
        settings.instance.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make_secret_key(path)
        key = path.read_text("ascii").strip()
    except OSError as error:
        raise SettingsError(f"INSTANCE must be a folder that can be read and written: {error}.") from error
    except UnicodeDecodeError:
        key = ""
    if len(key) < MIN_KEY_LENGTH:
        raise SettingsError(f"{path} holds no secret key. Delete it, and the next start makes one.")
    return key


def _make_secret_key(path: Path) -> None:
    """Write a key that appears at `path` whole or not at all; of two processes at once, one writes it."""
    with NamedTemporaryFile("w", dir=path.parent, prefix="secret_key.") as file:  # it has mode 600
        file.write(secrets.token_urlsafe(32))
        file.flush()
        with suppress(FileExistsError):
            path.hardlink_to(file.name)


def _read_number(name: str, text: str, most: int) -> int:
    if not re.fullmatch("[0-9]{1,9}", text) or not 1 <= int(text) <= most:
        raise SettingsError(f"{name} must be a whole number from 1 to {most}, not {text!r}.")
    return int(text)


def _read_taxonomy_map(path: str, weights: Path) -> TaxonomyMap | None:
    """Read another catalogue's words, where a file of them is set; they must fit every network there is."""
    if not path:
        return None
    taxonomies = []
    for offer in find_offers(weights):
        with suppress(DataError):  # a bundle that is damaged says so itself when it is loaded
            taxonomies.append(read_taxonomy(weights / offer.model / "taxonomy.csv"))
    try:
        mapping = read_map(Path(path))
        mapping.check(taxonomies)
    except DataError as error:
        raise SettingsError(f"TAXONOMY_MAP cannot be used. {error}") from error
    return mapping


def _read_host(text: str) -> str:
    """Return a host name or an address; an IPv6 address may come in the brackets it has in a URL."""
    host = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        ip_address(host)
    except ValueError as error:
        if not re.fullmatch("[A-Za-z0-9._-]+", text):
            raise SettingsError(f"HOST must be a name or an IP address, not {text!r}.") from error
    return host


def _check_url(name: str, value: str, schemes: tuple[str, ...]) -> None:
    if not value.startswith(schemes):
        raise SettingsError(f"{name} must start with {' or '.join(schemes)}, not {value!r}.")
    try:
        _ = urlsplit(value).port
    except ValueError as error:
        raise SettingsError(f"{name} is not an address: {error}.") from error
