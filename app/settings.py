"""Everything that an operator can set, read once from the environment."""

import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import urlsplit

from limits import parse_many

from app.errors import DataError, SettingsError
from app.keys import ApiKey, read_keys
from app.recognition.cores import usable_cores
from app.recognition.mapping import TaxonomyMap, read_map
from app.recognition.offers import CASE_STUDY, choose_default, find_offers
from app.recognition.taxonomy import read_taxonomy

ROOT = Path(__file__).parent.parent
DEFAULT_MODEL = CASE_STUDY
MIN_KEY_LENGTH = 16
NUMBERS = {
    "port": (1, 65_535),
    "web_concurrency": (1, 256),
    "trusted_proxies": (0, 9),
    "history_gigabytes": (1, 100_000),
}
OFF = "off"
ORIGIN = r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?"
WEB = ("https://", "http://")
SOURCES_WITH_URL = {
    "openverse": "openverse_url",
    "wikimedia-commons": "wikimedia_commons_url",
    "open-food-facts": "open_food_facts_url",
    "dummyjson": "dummyjson_url",
    "open-products-facts": "open_products_facts_url",
    "open-beauty-facts": "open_beauty_facts_url",
}
FOLDER = "folder"


@dataclass(frozen=True)
class Settings:
    """The site's settings, each named like its environment variable in lower case."""

    model: str = DEFAULT_MODEL
    weights: Path = ROOT / "weights"
    instance: Path = ROOT / "instance"
    secret_key: str = ""
    taxonomy_map: TaxonomyMap | None = None
    redis_url: str = ""
    contact: str = "https://github.com/Rohan-Thoma/Ecommerce-product-image-classification"
    photo_sources: tuple[str, ...] = (*SOURCES_WITH_URL, FOLDER)
    photo_folder: Path | None = None
    photo_by_address: bool = True
    retain_photos: bool = False
    heic: bool = True
    teach: bool = True
    openverse_url: str = "https://api.openverse.org"
    openverse_client_id: str = ""
    openverse_client_secret: str = ""
    open_products_facts_url: str = "https://world.openproductsfacts.org"
    open_beauty_facts_url: str = "https://world.openbeautyfacts.org"
    open_food_facts_url: str = "https://search.openfoodfacts.org"
    wikimedia_commons_url: str = "https://commons.wikimedia.org"
    wikimedia_categories: tuple[str, ...] = (
        "Backpacks",
        "Headphones",
        "Teapots",
        "Toasters",
        "Wristwatches",
    )
    dummyjson_url: str = "https://dummyjson.com"
    proxy_url: str = ""
    host: str = "127.0.0.1"
    port: int = 8000
    web_concurrency: int = 1
    trusted_proxies: int = 0
    history_gigabytes: int = 10
    rate_limit: str = "120 per minute"
    page_rate_limit: str = "3000 per minute"
    api_origins: tuple[str, ...] = ()
    api_keys: tuple[ApiKey, ...] = ()

    @property
    def cores(self) -> int:
        """How many cores one worker uses: an equal share of those of the machine or container."""
        return max(1, usable_cores() // self.web_concurrency)

    @property
    def address(self) -> str:
        """The host and port on which the site listens, as in a URL: 127.0.0.1:8000 or [::1]:8000."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read settings from environment variables. Raises SettingsError with a sentence for a bad value."""
    values: dict[str, Any] = {
        field.name: environment[field.name.upper()].strip()
        for field in fields(Settings)
        if environment.get(field.name.upper(), "").strip()
    }
    for name, read in _readers().items():
        if name in values:
            values[name] = read(name.upper(), values[name])
    weights = values.get("weights", Settings.weights)
    values["taxonomy_map"] = _read_taxonomy_map(values.get("taxonomy_map", ""), weights)
    values.setdefault("model", choose_default(find_offers(weights)))
    settings = Settings(**values)
    _check_sources(settings, "photo_sources" in values)
    if settings.proxy_url:
        _check_url("PROXY_URL", settings.proxy_url, WEB)
    if settings.redis_url:
        _check_url("REDIS_URL", settings.redis_url, ("redis://", "rediss://"))
    _check_rate("RATE_LIMIT", settings.rate_limit)
    _check_rate("PAGE_RATE_LIMIT", settings.page_rate_limit)
    for key in settings.api_keys:
        _check_rate(f"The rate of {key.name} in API_KEYS", key.rate)
    if settings.model != Path(settings.model).name or settings.model == "..":
        raise SettingsError(f"MODEL must be the name of a folder in weights/, not {settings.model!r}.")
    if not all(letter.isprintable() and letter <= "\xff" for letter in settings.contact):
        raise SettingsError("CONTACT must be a line that fits an HTTP header: printable Latin-1 characters.")
    if settings.secret_key and len(settings.secret_key) < MIN_KEY_LENGTH:
        raise SettingsError(f"SECRET_KEY must have at least {MIN_KEY_LENGTH} characters.")
    return settings


def read_secret_key(settings: Settings) -> str:
    """Return SECRET_KEY, else the key in instance/secret_key, which is made on first use with mode 600."""
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
    """Write a key that appears at `path` whole or not at all; if two processes race, one writes it."""
    with NamedTemporaryFile("w", dir=path.parent, prefix="secret_key.") as file:  # mode 600
        file.write(secrets.token_urlsafe(32))
        file.flush()
        with suppress(FileExistsError):
            path.hardlink_to(file.name)


def _read_number(name: str, text: str, least: int, most: int) -> int:
    if not re.fullmatch("[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise SettingsError(f"{name} must be a whole number from {least} to {most}, not {text!r}.")
    return int(text)


def _readers() -> dict[str, Callable[[str, str], Any]]:
    """Return, for each setting that is not plain text, the function that reads its value."""
    return {
        "weights": _read_path,
        "instance": _read_path,
        "photo_folder": _read_path,
        **{name: partial(_read_number, least=least, most=most) for name, (least, most) in NUMBERS.items()},
        "photo_sources": _read_list,
        "wikimedia_categories": _read_list,
        "api_origins": _read_origins,
        "api_keys": lambda _, text: read_keys(Path(text)),
        "photo_by_address": _read_switch,
        "retain_photos": _read_switch,
        "heic": _read_switch,
        "teach": _read_switch,
        "host": _read_host,
    }


def _read_path(_name: str, text: str) -> Path:
    return Path(text).resolve()


def _read_list(name: str, text: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in text.split(","))
    if not all(words) or len(set(words)) < len(words):
        raise SettingsError(f"{name} must be different names with commas between them, not {text!r}.")
    return words


def _read_origins(name: str, text: str) -> tuple[str, ...]:
    """Return origins as browsers send them, without a path; a lone * stands for all."""
    origins = _read_list(name, text)
    if origins != ("*",) and not all(re.fullmatch(ORIGIN, origin) for origin in origins):
        raise SettingsError(f"{name} must be * or origins such as https://shop.example, not {text!r}.")
    return origins


def _read_switch(name: str, text: str) -> bool:
    if text not in {"on", "off"}:
        raise SettingsError(f"{name} must be on or off, not {text!r}.")
    return text == "on"


def _check_sources(settings: Settings, were_named: bool) -> None:
    for name in settings.photo_sources:
        if name not in {*SOURCES_WITH_URL, FOLDER}:
            known = ", ".join((*SOURCES_WITH_URL, FOLDER))
            raise SettingsError(f"PHOTO_SOURCES knows {known}, but not {name!r}.")
    for url in SOURCES_WITH_URL.values():
        _check_url(url.upper(), getattr(settings, url), WEB)
    if settings.photo_folder and not settings.photo_folder.is_dir():
        raise SettingsError(f"PHOTO_FOLDER must be a folder, which {str(settings.photo_folder)!r} is not.")
    if bool(settings.openverse_client_id) != bool(settings.openverse_client_secret):
        raise SettingsError("OPENVERSE_CLIENT_ID and OPENVERSE_CLIENT_SECRET must be set together.")
    if were_named and FOLDER in settings.photo_sources and not settings.photo_folder:
        raise SettingsError("PHOTO_FOLDER must be set, as PHOTO_SOURCES names the folder.")


def _read_taxonomy_map(path: str, weights: Path) -> TaxonomyMap | None:
    """Read the map to another catalogue if one is set; it must fit every bundle in `weights`."""
    if not path:
        return None
    taxonomies = []
    for offer in find_offers(weights):
        with suppress(DataError):  # a damaged bundle reports itself when it is loaded
            taxonomies.append(read_taxonomy(weights / offer.model / "taxonomy.csv"))
    try:
        mapping = read_map(Path(path))
        mapping.check(taxonomies)
    except DataError as error:
        raise SettingsError(f"TAXONOMY_MAP cannot be used. {error}") from error
    return mapping


def _read_host(_name: str, text: str) -> str:
    """Return a host name or an address; an IPv6 address may have the brackets that it has in a URL."""
    host = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        ip_address(host)
    except ValueError as error:
        if not re.fullmatch("[A-Za-z0-9._-]+", text):
            raise SettingsError(f"HOST must be a name or an IP address, not {text!r}.") from error
    return host


def _check_rate(name: str, text: str) -> None:
    try:
        if text != OFF:
            parse_many(text)
    except ValueError as error:
        sentence = f"{name} must be {OFF} or a rate such as 120 per minute, not {text!r}."
        raise SettingsError(sentence) from error


def _check_url(name: str, value: str, schemes: tuple[str, ...]) -> None:
    if not value.startswith(schemes):
        raise SettingsError(f"{name} must start with {' or '.join(schemes)}, not {value!r}.")
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError as error:
        raise SettingsError(f"{name} is not an address: {error}.") from error
    if not parts.hostname:
        raise SettingsError(f"{name} names no host: {value!r}.")
