"""Build the image of deploy/Containerfile without a container engine and start it: `make image-test`.

buildah runs the steps in a chroot, on a base that mmdebstrap makes from Debian's packages. The image then
runs as its own user, with a root that cannot be written and one volume that can. Needs root.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests
from helpers import free_port, jpeg
from PIL import Image
from skimage import data

from app.settings import ROOT

BASE = "localhost/debian:13-slim"
IMAGE = "localhost/product-image-classifier"
MIRROR = "http://deb.debian.org/debian"
CERTIFICATES = "/etc/ssl/certs"  # those that this machine trusts, perhaps a proxy's among them
START_SECONDS = 300
RUN = """
set -e
mount --bind {root} {root}
mount --bind {volume} {root}/srv/instance
mount -t proc proc {root}/proc
mount --rbind /dev {root}/dev
mount -o remount,bind,ro {root}
exec chroot --userspec={user} {root} env -i -C {folder} {settings} {command}
"""


def say(*command: str | Path) -> str:
    """Run a program and return what it prints."""
    return subprocess.run(command, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE).stdout.strip()


def make_base(folder: Path) -> None:
    """Make the base image of Debian's packages, unless it is there."""
    if subprocess.run(["buildah", "inspect", "--type", "image", BASE], capture_output=True).returncode == 0:
        return
    archive = folder / "base.tar"
    say("mmdebstrap", "--variant=minbase", "--include=ca-certificates", "trixie", archive, MIRROR)
    container = say("buildah", "from", "scratch")
    say("buildah", "add", "--quiet", container, archive, "/")
    say("buildah", "commit", "--quiet", "--rm", container, BASE)


def build() -> dict[str, Any]:
    """Build the image; return what it says of itself."""
    say(
        *("buildah", "build", "--layers", "--isolation", "chroot", "--format", "docker"),
        *("--volume", f"{CERTIFICATES}:{CERTIFICATES}:ro", "--build-arg", f"BASE={BASE}"),
        *("--file", "deploy/Containerfile", "--tag", IMAGE, "."),
    )
    config: dict[str, Any] = json.loads(say("buildah", "inspect", "--type", "image", IMAGE))["Docker"][
        "config"
    ]
    return config


def inside(
    config: dict[str, Any], root: Path, volume: Path, command: list[str], **settings: str
) -> list[str]:
    """Return the command that runs another one in the image."""
    script = RUN.format(
        root=root,
        volume=volume,
        user=config["User"],
        folder=config["WorkingDir"],
        settings=shlex.join([*config["Env"], *(f"{name}={value}" for name, value in settings.items())]),
        command=shlex.join(command),
    )
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]


def check(config: dict[str, Any], root: Path, volume: Path) -> None:
    """Start the site in the image and ask it."""
    port = str(free_port())
    test = config["Healthcheck"]["Test"]
    assert test[0] == "CMD"
    os.chown(volume, *map(int, config["User"].split(":")))
    with subprocess.Popen(inside(config, root, volume, config["Cmd"], PORT=port)) as site:
        try:
            healthy = inside(config, root, volume, test[1:], PORT=port)
            deadline = time.monotonic() + START_SECONDS
            while subprocess.run(healthy, capture_output=True).returncode:
                assert site.poll() is None, "the site ended at once"
                assert time.monotonic() < deadline, "the site did not become healthy"
                time.sleep(1)
            url = f"http://127.0.0.1:{port}"
            photo = jpeg(Image.fromarray(data.coffee()), 100)  # more than is kept in memory
            answer = requests.post(f"{url}/api/v1/predictions", files={"image": photo}, timeout=60)
            assert answer.ok, answer.text
            assert requests.get(f"{url}/readyz", timeout=60).json()["status"] == "ready"
            assert (volume / "secret_key").exists()
            status = Path(f"/proc/{site.pid}/status").read_text()
            assert "Uid:\t" + "\t".join([config["User"].partition(":")[0]] * 4) in status
        finally:
            site.send_signal(signal.SIGTERM)
    assert site.returncode == 0
    refused = inside(config, root, volume, ["touch", "/srv/site/a"])
    assert subprocess.run(refused, capture_output=True).returncode, "the root can be written"
    assert not [*root.glob("opt/venv/lib/python3*/site-packages/tensorflow*")]
    assert not [*root.glob("srv/site/weights/*/*.h5")]


def main() -> None:
    if os.getuid():
        sys.exit("make image-test needs root: it mounts and changes the root folder.")
    with TemporaryDirectory() as folder, ExitStack() as stack:
        make_base(Path(folder))
        config = build()
        container = say("buildah", "from", IMAGE)
        stack.callback(say, "buildah", "rm", container)
        volume = Path(folder) / "instance"
        volume.mkdir()
        root = Path(say("buildah", "mount", container))
        Path(folder).chmod(0o755)
        check(config, root, volume)
        sizes = say("du", "--summarize", "--bytes", "--total", root / "opt", root / "srv" / "site")
        megabytes = int(sizes.splitlines()[-1].split()[0]) / 1e6
        print(f"The image starts, classifies and ends. Packages and site take {megabytes:.0f} MB of it.")


if __name__ == "__main__":
    main()
