"""gunicorn's configuration of a site whose network answers nobody while there is a file $HOLD."""

import os
import time
from pathlib import Path
from typing import Any
from unittest import mock

from app.serving.gunicorn_conf import *  # noqa: F403
from app.serving.gunicorn_conf import post_worker_init as begin


def post_worker_init(worker: Any) -> None:  # type: ignore[no-redef]
    """Have the network wait, then begin as the site does."""
    from app.recognition.service import ModelService

    predict, hold = ModelService.predict, Path(os.environ["HOLD"])

    def wait_and_predict(*args: Any) -> Any:
        while hold.exists():
            time.sleep(0.01)
        return predict(*args)

    mock.patch.object(ModelService, "predict", wait_and_predict).start()
    begin(worker)
