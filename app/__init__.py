"""The product image classifier: one factory, `create_app`; importing this package runs nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the library below app/ is used without Flask by training and bulk runs
    from flask import Flask

    from app.settings import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """Build the site. Raises SettingsError for a setting that cannot be used."""
    from flask import Flask

    from app import cli, error_pages, headers, sessions, template_filters
    from app.api import predictions
    from app.history import open_store
    from app.pages import classifier, health, history, instructions, model, source
    from app.recognition.models import Models
    from app.recognition.photos import MAX_BYTES
    from app.settings import ROOT, read_secret_key, read_settings
    from app.sources import open_source

    settings = settings or read_settings(os.environ)
    app = Flask(__name__, root_path=str(ROOT), instance_path=str(settings.instance.absolute()))
    app.config.update(
        SECRET_KEY=read_secret_key(settings),
        MAX_CONTENT_LENGTH=MAX_BYTES + 64 * 1024,  # a photo of the full size and the form around it
        MAX_FORM_PARTS=50,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]  # fields come in the order that is documented
    app.extensions["settings"] = settings
    app.extensions["models"] = Models(settings.weights, settings.model)
    app.extensions["history"] = open_store(settings)
    app.extensions["random_source"] = open_source(settings)

    for extension in (sessions, error_pages, headers, template_filters, cli):
        extension.init_app(app, settings)
    for module in (instructions, classifier, history, model, source, health, predictions):
        app.register_blueprint(module.bp)
    return app
