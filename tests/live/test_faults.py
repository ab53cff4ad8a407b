"""Crowds, faults and ends of the running site: what was answered stays, and the rest gets a sentence."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from helpers import free_port, wait_until, wait_until_it_answers
from live_site import HOLDABLE, STOP_SECONDS, LiveSite
from redis import Redis, RedisError
from visiting import CLASSIFIER, TIMEOUT_SECONDS, Visitor, metric

from app.errors import ModelNotReady, Overloaded
from app.recognition.bundle import MANIFEST, SERVING_WEIGHTS
from app.recognition.cores import usable_cores
from app.recognition.gate import PLACES
from app.settings import DEFAULT_MODEL, ROOT

API = "/api/v1/predictions"


def ask(site: LiveSite, *photos: bytes) -> requests.Response:
    files = [("image", ("a.jpg", photo)) for photo in photos]
    return requests.post(site.url + API, files=files, timeout=TIMEOUT_SECONDS)


def is_up(site: LiveSite) -> bool:
    try:
        return requests.get(f"{site.url}/livez", timeout=TIMEOUT_SECONDS).ok
    except requests.ConnectionError:
        return False


def is_ready(site: LiveSite) -> bool:
    """Tell whether the site can classify; between two workers nobody listens."""
    try:
        return requests.get(f"{site.url}/readyz", timeout=TIMEOUT_SECONDS).ok
    except requests.ConnectionError:
        return False


def connect(site: LiveSite) -> socket.socket:
    address = urlsplit(site.url)
    return socket.create_connection((address.hostname, address.port), timeout=TIMEOUT_SECONDS)


@contextmanager
def holdable(folder: Path, weights: Path, **environment: str) -> Iterator[LiveSite]:
    """Start a site that answers no photo while there is a file `folder`/hold."""
    environment |= {"WEIGHTS": str(weights), "HOLD": str(folder / "hold")}
    with LiveSite(folder / "instance", HOLDABLE, **environment) as site:
        yield site


@pytest.fixture
def site(tmp_path: Path, small_weights: Path) -> Iterator[LiveSite]:
    with holdable(tmp_path, small_weights) as site:
        yield site


@pytest.fixture
def hold(site: LiveSite) -> Iterator[Path]:
    """Have no photo answered until the test is over, or removes the file."""
    yield from held(site)


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory, small_weights: Path) -> Iterator[LiveSite]:
    """Give a site to tests that leave it as it was."""
    with holdable(tmp_path_factory.mktemp("faults"), small_weights) as site:
        yield site


@pytest.fixture
def shared_hold(shared_site: LiveSite) -> Iterator[Path]:
    """Have no photo answered until the test is over, or removes the file."""
    yield from held(shared_site)


def held(site: LiveSite) -> Iterator[Path]:
    path = site.instance.with_name("hold")
    path.touch()
    yield path
    path.unlink(missing_ok=True)


# Row 21: a crowd


def test_fifty_uploads_at_once_in_one_session_are_fifty_rows_and_one_more_is_told_to_wait(
    tmp_path: Path, small_weights: Path, coffee: bytes
) -> None:
    with holdable(tmp_path, small_weights, RATE_LIMIT="50 per hour") as site:
        visitor = Visitor(site.url)
        with ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(visitor.upload, [coffee] * 50))
        assert [answer.status_code for answer in answers] == [303] * 50
        assert len({answer.headers["Location"] for answer in answers}) == 50
        assert visitor.answers() == 50
        refused = visitor.upload(coffee)
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) > 0
        assert visitor.answers() == 50


def test_two_workers_add_up_their_numbers(tmp_path: Path, small_weights: Path, coffee: bytes) -> None:
    with holdable(tmp_path, small_weights, WEB_CONCURRENCY="2") as site:
        with ThreadPoolExecutor(8) as pool:
            assert {answer.status_code for answer in pool.map(lambda _: ask(site, coffee), range(32))} == {
                200
            }
        assert metric(site, "site_predictions_total") == 32
        assert metric(site, "site_queue_length") == 0
        os.kill(site.workers()[0], signal.SIGKILL)
        wait_until(lambda: len(site.workers()) == 3)
        assert metric(site, "site_predictions_total") == 32


def test_visitors_one_after_the_other_share_threads(site: LiveSite, coffee: bytes) -> None:
    for _ in range(20):
        assert ask(site, coffee).ok
    running = list(Path(f"/proc/{site.worker()}/task").iterdir())
    assert len(running) < PLACES + usable_cores()  # of which the network has some


# Clients that are slow or silent, row 25


UPLOAD = b"POST /classify/ HTTP/1.1\r\nHost: site\r\n"


@pytest.mark.parametrize("sent", [
    pytest.param(b"", id="nothing"),
    pytest.param(b"GET / HT", id="half a line"),
    pytest.param(UPLOAD + b"Content-Length: 1000000\r\n\r\nx", id="half a body"),
    pytest.param(UPLOAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", id="half a chunk"),
    pytest.param(b"GET /livez HTTP/1.1\r\nHost: site\r\nConnection: close\r\n\r\n", id="no goodbye"),
])  # fmt: skip
def test_a_hundred_clients_that_stall_hold_up_nobody(
    shared_site: LiveSite, sent: bytes, coffee: bytes
) -> None:
    with ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(connect(shared_site)).sendall(sent)
        for path in ("/livez", "/readyz", "/", CLASSIFIER):
            assert requests.get(shared_site.url + path, timeout=TIMEOUT_SECONDS).ok
        assert ask(shared_site, coffee).ok


@pytest.fixture(scope="module")
def impatient_site(tmp_path_factory: pytest.TempPathFactory, small_weights: Path) -> Iterator[LiveSite]:
    """Give a site that waits for seconds where others wait for minutes."""
    folder = tmp_path_factory.mktemp("impatient")
    (folder / "impatient.py").write_text(
        "from app.serving import __main__ as start, front\n"
        "start.HEAD_SECONDS, front.SILENCE_SECONDS = 2, 2.0\n"
        "if __name__ == '__main__':\n    start.main()\n"
    )
    command = (sys.executable, str(folder / "impatient.py"))
    with LiveSite(folder / "instance", command, WEIGHTS=str(small_weights)) as site:
        yield site


@pytest.mark.parametrize("sent", [
    pytest.param(b"", id="nothing"),
    pytest.param(b"GET / HT", id="half a line"),
    pytest.param(UPLOAD + b"Content-Length: 9\r\n\r\nx", id="half a body"),
])  # fmt: skip
def test_a_client_that_falls_silent_is_hung_up_on(impatient_site: LiveSite, sent: bytes) -> None:
    with connect(impatient_site) as connection:
        connection.sendall(sent)
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
        assert not answer or answer.startswith(b"HTTP/1.1 408 ")


def test_a_request_that_never_ends_is_cut_off(impatient_site: LiveSite) -> None:
    with connect(impatient_site) as connection, suppress(ConnectionError):
        connection.sendall(UPLOAD + b"Content-Length: 1000000\r\n\r\n")
        for _ in range(10 * TIMEOUT_SECONDS):
            connection.sendall(b"x")
            time.sleep(0.1)
        pytest.fail("the connection is still open")


def test_a_client_that_reads_slowly_gets_everything(shared_site: LiveSite) -> None:
    name = "/static/vendor/figtree-5.3.0/figtree-latin-wght-normal.woff2"
    with connect(shared_site) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.sendall(f"GET {name} HTTP/1.1\r\nHost: site\r\nConnection: close\r\n\r\n".encode())
        assert requests.get(f"{shared_site.url}/livez", timeout=TIMEOUT_SECONDS).ok
        received = b"".join(iter(lambda: connection.recv(1024), b""))
    assert received.endswith((ROOT / name[1:]).read_bytes())


def test_a_client_that_hangs_up_harms_nobody_and_leaves_its_place(
    shared_site: LiveSite, shared_hold: Path, coffee: bytes
) -> None:
    boundary = b"--b\r\nContent-Disposition: form-data; name=image; filename=a\r\n\r\n"
    body = boundary + coffee + b"\r\n--b--\r\n"
    head = f"POST {API} HTTP/1.1\r\nHost: site\r\nContent-Length: {len(body)}\r\n"
    head += "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    with connect(shared_site) as connection:
        connection.sendall(head.encode() + body)
        wait_until(lambda: metric(shared_site, "site_queue_length") == 1)
    shared_hold.unlink()
    wait_until(lambda: metric(shared_site, "site_queue_length") == 0)
    assert ask(shared_site, coffee).ok
    assert "Traceback" not in shared_site.log()


def test_photos_of_a_client_that_has_left_are_not_looked_at(
    shared_site: LiveSite, shared_hold: Path, coffee: bytes
) -> None:
    def is_held(port: int) -> bool:
        """Tell whether the site still holds its end of the connection from a port."""
        ends = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
        return any(end[2].endswith(f":{port:04X}") and end[3] in {"01", "08"} for end in ends[1:])

    answered = metric(shared_site, "site_predictions_total")
    body = requests.Request("POST", shared_site.url, files=[("image", coffee)] * 2).prepare()
    head = f"POST {API} HTTP/1.1\r\nHost: site\r\nContent-Length: {len(body.body or b'')}\r\n"
    head += f"Content-Type: {body.headers['Content-Type']}\r\n\r\n"
    with connect(shared_site) as connection:
        port = connection.getsockname()[1]
        connection.sendall(head.encode() + body.body)
        wait_until(lambda: metric(shared_site, "site_queue_length") == 1)
    wait_until(lambda: not is_held(port))
    assert requests.get(f"{shared_site.url}/livez", timeout=TIMEOUT_SECONDS).ok  # its loop has gone round
    shared_hold.unlink()
    wait_until(
        lambda: metric(shared_site, 'site_requests_total{endpoint="api.predictions",status="499"}') == 1
    )
    assert metric(shared_site, "site_predictions_total") == answered + 1


# Row 25: more than there is room for


@pytest.fixture
def crowd(shared_site: LiveSite, shared_hold: Path, coffee: bytes) -> Iterator[None]:
    """Take every place of the site until the test is over, then see that all are answered."""
    with ThreadPoolExecutor(PLACES) as pool:
        accepted = [pool.submit(ask, shared_site, coffee) for _ in range(PLACES)]
        wait_until(lambda: metric(shared_site, "site_queue_length") == PLACES)
        yield
        shared_hold.unlink()
        assert {answer.result().status_code for answer in accepted} == {200}


@pytest.mark.usefixtures("crowd")
def test_beyond_capacity_photos_are_refused_while_pages_and_accepted_photos_are_answered(
    shared_site: LiveSite, coffee: bytes
) -> None:
    refused = [ask(shared_site, coffee) for _ in range(5)]
    assert [answer.status_code for answer in refused] == [503] * 5
    assert refused[0].json()["error"] == {"code": "overloaded", "message": Overloaded.sentence}
    assert int(refused[0].headers["Retry-After"]) > 0
    for path in ("/livez", "/readyz", CLASSIFIER):
        assert requests.get(shared_site.url + path, timeout=TIMEOUT_SECONDS).ok


@pytest.mark.usefixtures("crowd")
def test_beyond_capacity_a_photo_is_refused_before_it_is_sent_in_the_visitors_language(
    shared_site: LiveSite,
) -> None:
    counted = metric(shared_site, 'site_refused_total{reason="overloaded"}')
    for path, fields, expected in (
        (API, b"X-Request-ID: mine\r\n", b'"code":"overloaded"'),
        (CLASSIFIER, b"Accept-Language: fr\r\n", b'<html lang="fr">'),
        (CLASSIFIER, b"Accept-Language: fr\r\nCookie: language=en\r\n", b'<html lang="en">'),
    ):
        with connect(shared_site) as connection:
            head = f"POST {path} HTTP/1.1\r\nHost: site\r\nContent-Length: 1000000\r\n".encode()
            connection.sendall(head + fields + b"\r\n")
            answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert expected in answer
        assert b"\r\nretry-after: " in answer
        assert b"\r\ncontent-security-policy: " in answer
        assert (b"\r\nx-request-id: mine\r\n" in answer) == (path == API)
    assert metric(shared_site, 'site_refused_total{reason="overloaded"}') == counted + 3


# Row 25: ends


def test_on_term_the_answer_in_flight_arrives_and_the_site_ends(
    site: LiveSite, hold: Path, coffee: bytes
) -> None:
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, site, coffee, coffee)
        wait_until(lambda: metric(site, "site_queue_length") == 1)
        site.process.terminate()
        wait_until(lambda: "Stopping worker" in site.log())
        hold.unlink()
        assert len(answer.result().json()["results"]) == 2
    assert site.process.wait(TIMEOUT_SECONDS) == 0
    assert "Traceback" not in site.log()


def test_when_a_worker_is_killed_its_answers_are_kept_and_the_next_worker_goes_on(
    site: LiveSite, coffee: bytes
) -> None:
    visitor = Visitor(site.url)
    answers = [visitor.upload(coffee) for _ in range(5)]
    killed = site.worker()
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: site.worker() != killed)
    wait_until(lambda: is_ready(site))
    assert visitor.answers() == 5
    for answer in answers:
        assert visitor.get(answer.headers["Location"] + "/photo").ok
    counted = metric(site, "site_predictions_total")
    assert visitor.upload(coffee).status_code == 303
    assert metric(site, "site_predictions_total") == counted + 1


def test_the_site_outlives_workers_that_are_killed_one_right_after_the_other(
    site: LiveSite, coffee: bytes
) -> None:
    for _ in range(4):
        killed = site.worker()
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda killed=killed: site.worker() != killed)
    wait_until(lambda: is_ready(site))
    assert ask(site, coffee).ok
    site.process.terminate()
    assert site.process.wait(STOP_SECONDS) == 0


# Row 22: Redis and the network are gone


@pytest.fixture
def redis_server(redis_url: str, tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:  # noqa: ARG001
    """Give the URL and the process of a redis-server that a test may kill."""
    port = free_port()
    command = [
        "redis-server",
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--dir",
        str(tmp_path),
        "--save",
        "",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        wait_until_it_answers(server, port)
        yield f"redis://127.0.0.1:{port}", server
        server.kill()


def test_when_redis_is_killed_answers_go_on_and_every_page_says_what_is_missing(
    redis_server: tuple[str, subprocess.Popen[bytes]], tmp_path: Path, small_weights: Path, coffee: bytes
) -> None:
    url, server = redis_server
    with holdable(tmp_path, small_weights, REDIS_URL=url, RATE_LIMIT="100 per minute") as site:
        visitor = Visitor(site.url)
        assert visitor.upload(coffee).status_code == 303
        assert visitor.get("/readyz").json()["status"] == "ready"
        server.kill()
        server.wait()
        answer = visitor.upload(coffee)
        assert answer.status_code == 200
        assert "not kept" in answer.text
        assert "history cannot be reached" in visitor.get(CLASSIFIER).text
        wait_until(lambda: visitor.get("/readyz").json()["status"] == "degraded")
        ready = visitor.get("/readyz")
        assert ready.status_code == 200
        assert ready.json()["degraded"] == ["sessions", "history", "corrections", "classifiers"]
        assert ask(site, coffee).ok
        text = visitor.get("/metrics").text
        for dependency in ("sessions", "history", "rate_limits"):
            assert f'site_degraded_total{{dependency="{dependency}"}}' in text
        assert "Traceback" not in site.log()


def test_when_redis_falls_silent_in_mid_request_the_answer_still_comes(
    redis_server: tuple[str, subprocess.Popen[bytes]], tmp_path: Path, small_weights: Path, coffee: bytes
) -> None:
    url, server = redis_server
    with holdable(tmp_path, small_weights, REDIS_URL=url) as site:
        visitor = Visitor(site.url)
        server.send_signal(signal.SIGSTOP)
        answer = visitor.upload(coffee)
        server.send_signal(signal.SIGCONT)
        assert answer.status_code == 200
        assert "not kept" in answer.text


@pytest.fixture(params=["full", "replica"])
def read_only_redis(request: pytest.FixtureRequest, redis_server: tuple[str, subprocess.Popen[bytes]]) -> str:
    """Give the URL of a Redis that can be read and not written."""
    url, _ = redis_server
    with Redis.from_url(url) as client:
        if request.param == "full":
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("maxmemory", "1")
        else:
            client.replicaof("127.0.0.1", str(free_port()))
        with pytest.raises(RedisError):
            client.set("a", "b")
    return url


def test_with_a_redis_that_cannot_be_written_visitors_get_answers_that_say_they_were_not_kept(
    read_only_redis: str, tmp_path: Path, small_weights: Path, coffee: bytes
) -> None:
    settings = {"REDIS_URL": read_only_redis, "RATE_LIMIT": "100 per minute", "WEIGHTS": str(small_weights)}
    with LiveSite(tmp_path / "instance", **settings) as site:
        visitor = Visitor(site.url)
        for _ in range(2):
            answer = visitor.upload(coffee)
            assert answer.status_code == 200
            assert "not kept" in answer.text
        assert ask(site, coffee).ok
        ready = visitor.get("/readyz")
        assert ready.status_code == 200
        assert ready.json()["degraded"] == ["sessions", "history", "corrections", "classifiers"]
        assert "Traceback" not in site.log()


def test_with_a_redis_that_cannot_be_written_unusable_photos_are_named_all_the_same(
    read_only_redis: str, tmp_path: Path, small_weights: Path
) -> None:
    settings = {"REDIS_URL": read_only_redis, "WEIGHTS": str(small_weights)}
    with LiveSite(tmp_path / "instance", **settings) as site:
        visitor = Visitor(site.url)
        answer = visitor.http.post(
            site.url + CLASSIFIER,
            data={"csrf_token": visitor.token, "product": "each"},
            files=[("image", (name, b"no photo")) for name in ("first.jpg", "second.jpg")],
            timeout=TIMEOUT_SECONDS,
        )
        assert "first.jpg" in answer.text
        assert "second.jpg" in answer.text


# What lies on the disk is removed while the site runs


def test_when_the_instance_folder_is_removed_everything_but_shared_metrics_is_made_anew(
    site: LiveSite, tmp_path: Path, coffee: bytes
) -> None:
    visitor = Visitor(site.url)
    assert visitor.upload(coffee).status_code == 303
    shutil.rmtree(tmp_path / "instance")
    assert visitor.answers() == 0
    kept = visitor.upload(coffee)
    assert kept.status_code == 303
    assert visitor.get(kept.headers["Location"]).ok
    assert Visitor(site.url).upload(coffee).status_code == 303
    wait_until(lambda: visitor.get("/readyz").json()["status"] == "degraded")
    assert visitor.get("/readyz").json()["degraded"] == ["metrics"]
    assert metric(site, "site_predictions_total") == 3
    assert "Traceback" not in site.log()


def test_forms_stay_valid_when_a_worker_restarts_after_the_secret_key_was_removed(
    site: LiveSite, tmp_path: Path, coffee: bytes
) -> None:
    visitor = Visitor(site.url)
    (tmp_path / "instance" / "secret_key").unlink()
    killed = site.worker()
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: site.worker() != killed)
    wait_until(lambda: is_ready(site))
    assert visitor.upload(coffee).status_code == 303


def test_when_the_instance_folder_cannot_be_made_anew_answers_go_on_and_readyz_says_what_is_missing(
    site: LiveSite, tmp_path: Path, coffee: bytes
) -> None:
    visitor = Visitor(site.url)
    shutil.rmtree(tmp_path / "instance")
    (tmp_path / "instance").write_bytes(b"in the way")
    for each in (visitor, Visitor(site.url)):
        answer = each.upload(coffee)
        assert answer.status_code == 200
        assert "not kept" in answer.text
    wait_until(lambda: visitor.get("/readyz").json()["status"] == "degraded")
    missing = visitor.get("/readyz").json()["degraded"]
    assert missing == ["sessions", "history", "corrections", "classifiers", "metrics"]
    assert visitor.get("/metrics").ok


def test_without_the_network_the_random_button_says_so_and_uploads_go_on(
    shared_site: LiveSite, coffee: bytes
) -> None:
    visitor = Visitor(shared_site.url)
    answer = visitor.http.post(f"{shared_site.url}/classify/random", data={"csrf_token": visitor.token})
    assert answer.status_code == 503
    assert "upload one of your own" in answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert visitor.upload(coffee).status_code == 303


# Row 24: weights and disk


def truncate(bundle: Path) -> None:
    os.truncate(bundle / SERVING_WEIGHTS, 1000)


def flip(bundle: Path) -> None:
    data = bytearray((bundle / SERVING_WEIGHTS).read_bytes())
    data[len(data) // 2] ^= 1
    (bundle / SERVING_WEIGHTS).write_bytes(data)


def drop_class(bundle: Path) -> None:
    manifest = json.loads((bundle / MANIFEST).read_text())
    manifest["classes"].pop()
    (bundle / MANIFEST).write_text(json.dumps(manifest))


@pytest.mark.parametrize(("damage", "sentence"), [
    pytest.param(shutil.rmtree, "There is no trained network", id="absent"),
    pytest.param(truncate, f"{SERVING_WEIGHTS} is damaged", id="truncated"),
    pytest.param(flip, f"{SERVING_WEIGHTS} is damaged", id="wrong sha256"),
    pytest.param(drop_class, "does not list the classes", id="wrong class count"),
])  # fmt: skip
def test_without_sound_weights_the_site_is_up_and_says_at_start_and_to_all_why_it_cannot_classify(
    tmp_path: Path, small_weights: Path, coffee: bytes, damage: Callable[[Path], None], sentence: str
) -> None:
    bundle = tmp_path / "weights" / DEFAULT_MODEL
    shutil.copytree(small_weights / DEFAULT_MODEL, bundle)
    damage(bundle)
    site = LiveSite(tmp_path / "instance", WEIGHTS=str(tmp_path / "weights"), MODEL=DEFAULT_MODEL)
    site.launch()
    try:
        wait_until(lambda: "cannot classify" in site.log() and is_up(site))
        [line] = [line for line in site.log().splitlines() if "cannot classify" in line]
        assert sentence in line
        visitor = Visitor(site.url)
        for answer in (visitor.upload(coffee), ask(site, coffee)):
            assert answer.status_code == ModelNotReady.status
            assert sentence in answer.text
            assert int(answer.headers["Retry-After"]) > 0
        assert ask(site, coffee).json()["error"]["code"] == "model_not_ready"
        assert visitor.get("/readyz").status_code == 503
        for path in ("/", CLASSIFIER, "/source/", "/livez"):
            assert visitor.get(path).status_code == 200
        assert "Traceback" not in site.log()
    finally:
        site.stop()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a small file system; where that is not allowed the test is skipped, but CI must allow it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={4 * 1024 * 1024}", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        reason = "mounting a file system is not allowed"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> None:
    with suppress(OSError), (disk / "ballast").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def test_on_a_full_disk_old_and_new_visitors_get_answers_that_say_they_were_not_kept(
    small_disk: Path, small_weights: Path, coffee: bytes
) -> None:
    log = small_disk.parent / "site.log"
    with LiveSite(small_disk / "instance", log=log, WEIGHTS=str(small_weights)) as site:
        old = Visitor(site.url)
        assert old.upload(coffee).status_code == 303
        fill(small_disk)
        for visitor in (old, Visitor(site.url)):
            answer = visitor.upload(coffee)
            assert answer.status_code == 200
            assert "not kept" in answer.text
        assert ask(site, coffee).ok
        assert metric(site, "site_predictions_total") == 4
        (small_disk / "ballast").unlink()
        assert old.answers() == 1
        assert old.upload(coffee).status_code == 303


def test_on_a_full_disk_the_first_start_ends_with_a_sentence_and_leaves_no_half_written_key(
    small_disk: Path,
) -> None:
    (small_disk / "instance").mkdir()
    fill(small_disk)
    site = LiveSite(small_disk / "instance", log=small_disk.parent / "site.log")
    site.launch()
    assert site.process.wait(TIMEOUT_SECONDS) != 0
    assert "INSTANCE must be a folder that can be read and written" in site.log()
    assert "No space left" in site.log()
    assert "Traceback" not in site.log()
    assert list((small_disk / "instance").iterdir()) == []


@pytest.mark.parametrize("path", ["/api/v1/predictions", "/classify/"])
def test_without_a_folder_for_temporary_files_a_large_upload_is_answered_with_a_sentence(
    tmp_path: Path, small_weights: Path, coffee: bytes, path: str
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    with LiveSite(tmp_path / "instance", WEIGHTS=str(small_weights), TMPDIR=str(folder)) as site:
        folder.rmdir()
        for _ in range(3):
            answer = requests.post(f"{site.url}{path}", files={"image": bytes(3_000_000)}, timeout=60)
            assert answer.status_code == 503
            assert "no memory, disk space or file handle left" in answer.text
            assert answer.headers["Retry-After"]
        assert ask(site, coffee).ok
        wait_until(
            lambda: requests.get(f"{site.url}/readyz", timeout=60).json().get("degraded") == ["uploads"]
        )


def test_a_folder_for_temporary_files_that_cannot_be_used_ends_the_start_with_a_sentence(
    tmp_path: Path,
) -> None:
    site = LiveSite(tmp_path / "instance", TMPDIR=str(tmp_path / "nowhere"))
    site.launch()
    assert site.process.wait(TIMEOUT_SECONDS) != 0
    assert f"TMPDIR must be a folder that can be written, which '{tmp_path}/nowhere' is not." in site.log()
    assert "Traceback" not in site.log()


def test_an_instance_folder_that_cannot_be_written_is_told_at_the_start_and_answers_go_on(
    tmp_path: Path, small_weights: Path, coffee: bytes
) -> None:
    (tmp_path / "instance").touch()  # no folder: root may write into any
    key = "k" * 32
    with LiveSite(tmp_path / "instance", WEIGHTS=str(small_weights), SECRET_KEY=key) as site:
        assert "INSTANCE cannot be written, so nothing is kept there" in site.log()
        assert ask(site, coffee).ok
