"""What most demos do: Flask's threads, model.predict for each request."""

import os

from flask import Flask, request
from PIL import Image
from shared import answer, network, prepare

app = Flask(__name__)
model = network()


@app.post("/")
def predict() -> dict[str, float]:
    photo = Image.open(request.files["image"].stream)
    return answer(model.predict(prepare(photo)[None], verbose=0)[0])


@app.get("/ready")
def ready() -> str:
    return "yes"


if __name__ == "__main__":
    app.run(port=int(os.environ["PORT"]), threaded=True)
