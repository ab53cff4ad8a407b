"""Gradio's Interface on the same Keras model; its queue runs one prediction at a time by default."""

import os

import gradio
from shared import answer, network, prepare

model = network()


def predict(photo):
    return answer(model.predict(prepare(photo)[None], verbose=0)[0])


label = gradio.Label(num_top_classes=4)
interface = gradio.Interface(predict, gradio.Image(type="pil"), label, api_name="predict")
interface.launch(server_port=int(os.environ["PORT"]), quiet=True)
