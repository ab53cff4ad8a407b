"""Starts a site whose network answers nobody while there is a file $HOLD: `python -m holding`.

Workers import this module, too, as they are spawned by it.
"""

import os
import time
from pathlib import Path
from typing import Any
from unittest import mock

from app.recognition.service import ModelService
from app.serving.__main__ import main

predict, hold = ModelService.predict, Path(os.environ["HOLD"])


def wait_and_predict(*args: Any) -> Any:
    """Predict once the file is gone."""
    while hold.exists():
        time.sleep(0.01)
    return predict(*args)


mock.patch.object(ModelService, "predict", wait_and_predict).start()
if __name__ == "__main__":
    main()
