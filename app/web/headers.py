"""Security headers as data, with a reason for each relaxation of the policy."""

from flask import Flask, Response

from app.settings import Settings

CONTENT_SECURITY_POLICY = {
    "default-src": "'none'",
    "style-src": "'self'",
    "script-src": "'self'",
    "font-src": "'self'",
    "img-src": "'self' blob:",  # blob: previews a photo before it is sent
    "connect-src": "'self'",  # scripts send photos one by one and search categories
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}

HEADERS = {
    "Content-Security-Policy": "; ".join(
        f"{name} {value}" for name, value in CONTENT_SECURITY_POLICY.items()
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
}


def init_app(app: Flask, settings: Settings) -> None:
    app.after_request(add_headers)


def add_headers(response: Response) -> Response:
    """Put every header of `HEADERS` on `response`."""
    response.headers.extend(HEADERS)
    return response
