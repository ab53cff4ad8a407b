"""The command line: one module a command."""

from flask import Flask

from app.cli.calibrate import calibrate
from app.cli.classify import classify
from app.cli.corrections import corrections
from app.cli.evaluate import evaluate
from app.cli.export import export
from app.cli.similar import similar
from app.cli.soften import soften
from app.cli.soup import soup
from app.cli.submit import submit
from app.cli.teach import teach
from app.cli.train import train
from app.settings import Settings


def init_app(app: Flask, settings: Settings) -> None:
    classifying = calibrate, classify, corrections, evaluate, export, similar, submit
    for command in (*classifying, soften, soup, teach, train):
        app.cli.add_command(command)
