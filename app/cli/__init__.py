"""The command line: one module a command."""

from flask import Flask

from app.cli.calibrate import calibrate
from app.cli.classify import classify
from app.cli.corrections import corrections
from app.cli.evaluate import evaluate
from app.cli.soften import soften
from app.cli.soup import soup
from app.cli.submit import submit
from app.cli.teach import teach
from app.cli.train import train
from app.settings import Settings


def init_app(app: Flask, settings: Settings) -> None:
    for command in (calibrate, classify, corrections, soften, soup, teach, train, evaluate, submit):
        app.cli.add_command(command)
