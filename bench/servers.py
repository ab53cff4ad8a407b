"""Attack the site behind one server after the other, and measure what a photo costs there.

PYTHONPATH=.:tests python bench/servers.py [SERVER ...]

The attacks are those of ../shared/tools/attack.py. Waitress, hypercorn and gunicorn come from
bench/peers/requirements.txt, nginx from the system.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import requests
from helpers import free_port, jpeg
from measuring import API, family, load, memory, multipart, save
from measuring import jpeg as catalogue_jpeg
from PIL import Image

from app.settings import ROOT

ATTACK = ROOT.parent / "shared" / "tools" / "attack.py"
CASES = ("pipeline", "chunks", "trailers", "headers", "stalled")
RENAMED = {"/source/app/translations/": "/source/raw/app/web/translations/"}  # since the attacks were written
THREADS, FILES, SECONDS, CONNECTIONS, PATIENCE = "80", 1024, 5, 8, 25
BIN = Path(sys.executable).parent
SERVERS = {
    "waitress": ["waitress-serve", f"--threads={THREADS}", "--listen=127.0.0.1:{port}", "wsgi:application"],
    "hypercorn": ["hypercorn", "--bind=127.0.0.1:{port}", "wsgi:wsgi:application"],
    "gunicorn gthread": ["gunicorn", "--threads", THREADS, "--bind=127.0.0.1:{port}", "wsgi"],
    "granian WSGI": [
        "granian", "--interface=wsgi", "--blocking-threads", THREADS, "--port={port}", "wsgi:application",
    ],
    "gunicorn asgi, front": [
        "gunicorn", "--worker-class=asgi", "--bind=127.0.0.1:{port}", "app.serving.worker:make_front()",
    ],
    "granian ASGI, front": ["python", "-m", "app.serving"],
    "nginx, granian, front": ["python", "-m", "app.serving"],
}  # fmt: skip


def main(names: list[str]) -> None:
    """Measure the servers that are named, or all."""
    rows = [measure(name) for name in names or SERVERS]
    save("servers", "Servers under attack", rows, (
        "Of each attack the longest time to an answer of /livez, of five or more, and what the server's "
        f"processes have in memory at most; open files limited to {FILES} for the stalled uploads."
    ))  # fmt: skip


def measure(name: str) -> dict[str, object]:
    """Make the row of a server."""
    row: dict[str, object] = {"server": name}
    most = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            with ExitStack() as stack:
                pid, port = start(name, Path(folder), stack, FILES if case == "stalled" else 0)
                row[f"{case}: /livez s"], megabytes = attack(case, Path(folder), port, pid)
                most = max(most, megabytes)
        with ExitStack() as stack:
            _, port = start(name, Path(folder), stack, 0)
            row["a photo beside a stalled one s"] = beside_a_stalled_upload(port)
        with ExitStack() as stack:
            pid, port = start(name, Path(folder), stack, 0)
            spent = processor_seconds(pid)
            rate = load(f"http://127.0.0.1:{port}{API}", CONNECTIONS, SECONDS, catalogue_jpeg("180 px")).rate
            row["core-ms a photo"] = (processor_seconds(pid) - spent) * 1000 / (rate * SECONDS)
    return row | {"MB": most}


def start(name: str, folder: Path, stack: ExitStack, files: int) -> tuple[int, int]:
    """Start a server, and nginx if it has it; return its process id and port once it can classify."""
    port = shown = free_port()
    command = [part.format(port=port) for part in SERVERS[name]]
    own = {"PORT": str(port), "INSTANCE": str(folder), "RATE_LIMIT": "off"}
    limit = f"ulimit -n {files} && " if files else ""
    server = stack.enter_context(
        subprocess.Popen(
            ["sh", "-c", f'{limit}exec "$0" "$@"', str(BIN / command[0]), *command[1:]],
            cwd=ROOT, env={**os.environ, **own}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
    )  # fmt: skip
    stack.callback(end, server.pid)
    if name.startswith("nginx"):
        shown = free_port()
        nginx = stack.enter_context(subprocess.Popen(["nginx", "-c", plain_nginx(folder, port, shown)]))
        stack.callback(nginx.terminate)
    photo = jpeg(Image.new("RGB", (300, 300)))
    while not is_ready(f"http://127.0.0.1:{shown}{API}", photo):
        time.sleep(0.2)
    return server.pid, shown


def plain_nginx(folder: Path, port: int, shown: int) -> str:
    """Write deploy/nginx.conf for loopback, without https; return its path."""
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    text = text.replace("listen 80 ", f"listen {free_port()} ").replace("443 ssl http2", f"{shown}")
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{port}").replace("/run/", f"{folder}/")
    text = re.sub("ssl_certificate.*|access_log.*", "", text).replace("/var/log/nginx", str(folder))
    path = folder / "nginx.conf"
    path.write_text(text.replace("user www-data;", "daemon off;"))
    return str(path)


def attack(case: str, folder: Path, port: int, pid: int) -> tuple[str, float]:
    """Return the longest time to an answer of /livez, and the most megabytes of a server's processes."""
    script, most = folder / "attack.py", 0.0
    text = ATTACK.read_text()
    for old, new in RENAMED.items():
        text = text.replace(old, new)
    script.write_text(text)
    with subprocess.Popen(
        [sys.executable, script, str(port), case], stdout=subprocess.PIPE, text=True
    ) as client:
        while client.poll() is None:
            most = max(most, resident(pid))
            time.sleep(0.2)
        assert client.stdout
        answers = re.findall(r"/livez: (\S+) after ([\d.]+) s", client.stdout.read())
    longest = max(float(seconds) for _, seconds in answers)
    lost = sum(status != "200" for status, _ in answers)
    return f"{longest:.2f}" + (f", {lost} of {len(answers)} lost" if lost else ""), most


def beside_a_stalled_upload(port: int) -> str:
    """Return how long a photo takes while another upload has stopped in the middle."""
    body = multipart(bytes(PATIENCE * 1000))
    head = f"POST {API} HTTP/1.1\r\nHost: site\r\nContent-Length: {len(body)}\r\n"
    head += "Content-Type: multipart/form-data; boundary=photo\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(head.encode() + body[: len(body) // 2])
        time.sleep(1)  # until the server has it
        started = time.perf_counter()
        try:
            files = {"image": catalogue_jpeg("180 px")}
            requests.post(f"http://127.0.0.1:{port}{API}", files=files, timeout=PATIENCE)
        except requests.Timeout:
            return f"none within {PATIENCE}"
        return f"{time.perf_counter() - started:.2f}"


def processor_seconds(pid: int) -> float:
    """Return how long a process and its descendants have computed, whatever else the machine was at."""
    stats = (Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split() for each in family(pid))
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) / os.sysconf("SC_CLK_TCK")


def resident(pid: int) -> float:
    """Return the megabytes that a process and its descendants have in memory."""
    try:
        return sum(memory(each)["resident"] for each in family(pid))
    except OSError:  # one of them has just ended
        return 0.0


def end(pid: int) -> None:
    """End a process and all its descendants, however it takes a signal."""
    for each in family(pid):
        os.kill(each, signal.SIGKILL)


def is_ready(url: str, photo: bytes) -> bool:
    """Tell whether a photo is answered."""
    try:
        return requests.post(url, files={"image": photo}, timeout=30).ok
    except requests.RequestException:
        return False


if __name__ == "__main__":
    main(sys.argv[1:])
