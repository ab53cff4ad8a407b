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
    from werkzeug.middleware.proxy_fix import ProxyFix

    from app import cli
    from app.classifiers import open_classifiers
    from app.corrections import open_corrections
    from app.history import open_store
    from app.recognition.gate import Gate
    from app.recognition.limits import MAX_AT_ONCE, MAX_BYTES
    from app.recognition.models import Models
    from app.settings import ROOT, read_secret_key, read_settings
    from app.sources import open_address_fetcher, open_random_photos
    from app.web import (
        caching,
        classifying,
        error_pages,
        headers,
        hosts,
        keys,
        languages,
        logs,
        metrics,
        rate_limits,
        sessions,
        template_filters,
        themes,
        uploads,
    )
    from app.web.api import categories as category_api
    from app.web.api import classifiers as classifier_api
    from app.web.api import cross_origin, document, feedback, predictions
    from app.web.api import models as model_api
    from app.web.dependencies import Dependencies
    from app.web.pages import (
        again,
        answers,
        api,
        asking,
        categories,
        corrections,
        health,
        heatmaps,
        history,
        instructions,
        language,
        model,
        own,
        source,
        theme,
    )
    from app.web.site import Site
    from app.web.source_files import list_files

    settings = settings or read_settings(os.environ)
    app = Flask(__name__, root_path=str(ROOT), instance_path=str(settings.instance.absolute()))
    app.request_class = uploads.UploadRequest
    app.config.update(
        SECRET_KEY=read_secret_key(settings),
        MAX_CONTENT_LENGTH=MAX_BYTES + 64 * 1024,  # a photo of the full size and the form around it
        MAX_FORM_PARTS=20 + 2 * MAX_AT_ONCE,  # so that too many photos are counted and told
    )
    gate = Gate(settings.cores)
    history_store = open_store(settings, metrics.count_degraded("history"))
    correction_store = open_corrections(settings, metrics.count_degraded("corrections"))
    classifier_store = open_classifiers(settings, metrics.count_degraded("classifiers"))
    checks = {
        "sessions": lambda: app.session_interface.check(),  # type: ignore[attr-defined]
        "history": history_store.check,
        "corrections": correction_store.check,
        "classifiers": classifier_store.check,
        "metrics": metrics.check,
        "uploads": uploads.check,
    }
    app.extensions["site"] = Site(
        settings=settings,
        gate=gate,
        models=Models(settings.weights, settings.model, settings.taxonomy_map, gate, settings.cores),
        history=history_store,
        corrections=correction_store,
        classifiers=classifier_store,
        random_photos=open_random_photos(settings, metrics.count_source, classifying.decode),
        address_fetcher=open_address_fetcher(settings),
        budgets=rate_limits.make_budgets(settings),
        source_files=list_files(ROOT),
        dependencies=Dependencies(checks),
    )

    hosts.init_app(app, settings)
    if settings.trusted_proxies:  # the last so many entries of X-Forwarded-* are theirs, the others anybody's
        trusted = dict.fromkeys(("x_for", "x_proto", "x_host"), settings.trusted_proxies)
        fixed = ProxyFix(app.wsgi_app, **trusted, x_prefix=1)
        app.wsgi_app = hosts.ignore_bad_prefix(fixed)  # type: ignore[assignment,method-assign]
    # In the order of what is done before a view: a refusal must cost less than reading the form.
    for extension in (logs, metrics, uploads, keys, rate_limits, classifying, sessions):
        extension.init_app(app, settings)
    csrf = sessions.SessionCsrf(app)
    for module in (predictions, feedback, classifier_api):
        csrf.exempt(module.bp)  # programs send no cookie to misuse
    for extension in (languages, themes, template_filters, error_pages, headers, cross_origin, caching, cli):
        extension.init_app(app, settings)
    classifier = (asking, answers, heatmaps, again, corrections, history)
    teaching = (own, classifier_api) if settings.teach else ()
    others = (instructions, categories, model, source, api, language, theme, health)
    programs = (predictions, feedback, model_api, category_api)
    for module in (*classifier, *teaching, *others, *programs, document):
        app.register_blueprint(module.bp)
    return app
