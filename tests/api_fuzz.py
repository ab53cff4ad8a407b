"""Try the API with requests that its document allows, and with those it forbids: schemathesis."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from live_site import LiveSite
from small_bundle import write_small_bundle

from app.settings import ROOT

CONFIG = ROOT / "tests" / "schemathesis.toml"
UNBOUND: dict[str, Any] = {
    "PHOTO_BY_ADDRESS": "off",
    "PAGE_RATE_LIMIT": "off",
}  # so that no request leaves the machine


MOST = 200  # requests for each call and kind of fault


def try_api(site: LiveSite, *options: str) -> subprocess.CompletedProcess[str]:
    """Run schemathesis on a site; its status is 0 if the answers are as documented."""
    document = f"{site.url}/api/v1/openapi.json"
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "--config-file",
        str(CONFIG),
        "run",
        document,
        *options,
    ]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return subprocess.run(
        command, cwd=site.instance, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True
    )


def main() -> None:
    """Try all that schemathesis knows on a site with a small network; end with its status."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_small_bundle(folder / "weights")
        with LiveSite(folder / "instance", WEIGHTS=str(folder / "weights"), **UNBOUND) as site:
            tried = try_api(site, "--max-examples", str(MOST))
    print(tried.stdout)
    sys.exit(tried.returncode)


if __name__ == "__main__":
    main()
