"""Which other sites' scripts may call the API from a browser: none unless API_ORIGINS names them."""

from flask import Flask
from flask_cors import CORS

from app.settings import Settings

SENT = ["Accept-Language", "Authorization", "Content-Type", "X-Request-ID"]
READ = ["Retry-After", "X-Request-ID"]
REMEMBERED_SECONDS = 600  # by browsers, what they may send


def init_app(app: Flask, settings: Settings) -> None:
    if settings.api_origins:
        CORS(
            app,
            resources=r"/api/v1/.*",
            origins=list(settings.api_origins),
            methods=["GET", "POST", "DELETE"],
            allow_headers=SENT,
            expose_headers=READ,
            max_age=REMEMBERED_SECONDS,
        )
