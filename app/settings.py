"""Everything an operator can set, read once from the environment."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.errors import SettingsError

ROOT = Path(__file__).parent.parent
DEFAULT_MODEL = "inception-v3"


@dataclass(frozen=True)
class Settings:
    """The site's settings; each is the environment variable of the same name in capitals."""

    model: str = DEFAULT_MODEL
    weights: Path = ROOT / "weights"
    instance: Path = ROOT / "instance"
    secret_key: str = ""
    redis_url: str = ""
    contact: str = "https://github.com/Rohan-Thoma/Ecommerce-product-image-classification"
    open_products_facts_url: str = "https://world.openproductsfacts.org"

    @property
    def bundle(self) -> Path:
        return self.weights / self.model


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
    settings = Settings(**values)
    _check_url("OPEN_PRODUCTS_FACTS_URL", settings.open_products_facts_url, ("https://", "http://"))
    if settings.redis_url:
        _check_url("REDIS_URL", settings.redis_url, ("redis://", "rediss://"))
    if settings.model != Path(settings.model).name:
        raise SettingsError(f"MODEL must be the name of a folder in weights/, not {settings.model!r}.")
    return settings


def read_secret_key(settings: Settings) -> str:
    """Return SECRET_KEY, or the one kept in instance/secret_key (made on first use, mode 600)."""
    if settings.secret_key:
        return settings.secret_key
    path = settings.instance / "secret_key"
    try:
        settings.instance.mkdir(parents=True, exist_ok=True)
        private = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode=0o600)
        with os.fdopen(private, "w") as file:
            file.write(secrets.token_urlsafe(32))
    except FileExistsError:
        pass
    except OSError as error:
        raise SettingsError(f"INSTANCE must be a folder that can be written to: {error}.") from error
    return path.read_text()


def _check_url(name: str, value: str, schemes: tuple[str, ...]) -> None:
    if not value.startswith(schemes):
        raise SettingsError(f"{name} must start with {' or '.join(schemes)}, not {value!r}.")
    try:
        _ = urlsplit(value).port
    except ValueError as error:
        raise SettingsError(f"{name} is not an address: {error}.") from error
