"""ONNX Runtime in float32 behind a bare WSGI application, under waitress."""

import json
import os
from pathlib import Path

import waitress
from onnx_models import open_session, runner
from PIL import Image
from shared import answer, prepare
from werkzeug.formparser import parse_form_data

run = runner(open_session(Path(os.environ["ONNX"]), len(os.sched_getaffinity(0))))


def application(environ, start_response):
    body = b"{}"
    if environ["REQUEST_METHOD"] == "POST":
        photo = Image.open(parse_form_data(environ)[2]["image"].stream)
        body = json.dumps(answer(run(prepare(photo)[None])[0])).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


if __name__ == "__main__":
    waitress.serve(application, port=int(os.environ["PORT"]), host="127.0.0.1", threads=8)
