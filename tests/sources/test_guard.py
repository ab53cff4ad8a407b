"""Rows 17 and 18 of the hostile inputs: what the fetcher must never connect to."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address

import pytest
import requests.adapters
import requests_hardened.ip_filter_adapter
import trustme
from helpers import listen_everywhere
from local_sources import Answer, LocalServer, draw_picture

from app.errors import UrlNotAllowed, UrlUnavailable
from app.sources import guard
from app.sources.fetch import Deadline, Fetcher
from app.sources.guard import is_public

PUBLIC = "93.184.216.34"


@pytest.fixture
def fetcher() -> Fetcher:
    """The fetcher as production has it: it trusts nobody."""
    return Fetcher("catalogue@example.org")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port of this machine that must see no connection."""
    with listen_everywhere() as listener:
        yield listener


def saw_nothing(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return True
    return False


@dataclass
class Internet:
    """What was looked up and connected to while names were answered as scripted."""

    names: dict[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    connected: list[str] = field(default_factory=list)


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch) -> Internet:
    """An internet whose every name has the addresses of `names`, one after the other, and no servers."""
    internet = Internet()
    look_up = socket.getaddrinfo

    def answer(host: str, *others: object, **options: object) -> object:
        if host in internet.names:
            internet.asked.append(host)
            host = internet.names[host].pop(0)
            if not host:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *others, **options)

    def connect(_: socket.socket, address: tuple[str, int]) -> None:
        internet.connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    monkeypatch.setattr(socket.socket, "connect", connect)
    return internet


@pytest.mark.parametrize("host", [
    "127.0.0.1",
    "127.1",
    "0x7f.1",
    "2130706433",
    "0177.0.0.1",
    "0.0.0.0",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[fec0::1]",
    "[fe80::1]",
    "[fc00::1]",
    "[ff02::1]",
    "169.254.169.254",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "192.0.0.8",
    "192.88.99.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
])  # fmt: skip
def test_row_17_an_inner_address_is_refused_and_no_connection_is_made(
    fetcher: Fetcher, listener: socket.socket, internet: Internet, host: str
) -> None:
    port = listener.getsockname()[1]
    with pytest.raises(UrlNotAllowed):
        fetcher.get_photo(f"https://{host}:{port}/a.jpg", Deadline())
    assert internet.connected == []
    assert saw_nothing(listener)


@pytest.mark.parametrize("url", [
    "http://{}/a.jpg",
    "file:///etc/passwd",
    "gopher://{}/",
    "ftp://{}/a.jpg",
    "data:image/png;base64,AAAA",
    "javascript:alert(1)",
    "https://user@{}/a.jpg",
    "https://user:password@{}/a.jpg",
    "https://@{}/a.jpg",
    "https://photos.example@{}/a.jpg",
    "https://",
    "https://[::1",
    "https:///a.jpg",
    "//{}/a.jpg",
    "/etc/passwd",
    "a.jpg",
    "\x00",
    "https://photos.example/" + "a" * 2000,
])  # fmt: skip
def test_row_17_an_address_that_is_not_plain_https_is_refused_and_no_connection_is_made(
    fetcher: Fetcher, listener: socket.socket, url: str
) -> None:
    with pytest.raises(UrlNotAllowed):
        fetcher.get_photo(url.format(f"127.0.0.1:{listener.getsockname()[1]}"), Deadline())
    assert saw_nothing(listener)


def test_row_18_the_address_that_was_checked_is_the_one_used(fetcher: Fetcher, internet: Internet) -> None:
    internet.names["photos.example"] = [PUBLIC, "127.0.0.1", "127.0.0.1"]
    with pytest.raises(UrlUnavailable):
        fetcher.get_photo("https://photos.example/a.jpg", Deadline())
    assert internet.asked == ["photos.example"]
    assert set(internet.connected) == {PUBLIC}


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1", "::1", "fe80::1"])
def test_row_18_a_name_that_stands_for_an_inner_address_looks_like_one_that_stands_for_none(
    fetcher: Fetcher, internet: Internet, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(guard, "LOOK_UP_SECONDS", 0.0)
    internet.names |= {"inner.example": [address], "none.example": [""]}
    faults = []
    for name in internet.names:
        with pytest.raises(UrlUnavailable) as fault:
            fetcher.get_photo(f"https://{name}/a.jpg", Deadline())
        faults.append(fault.value.to_json())
    assert faults[0] == faults[1]
    assert internet.connected == []


@pytest.mark.parametrize("address", ["10.0.0.1", ""], ids=["inner", "none"])
def test_a_name_that_stands_for_no_public_address_takes_as_long_as_a_look_up_may(
    fetcher: Fetcher, internet: Internet, address: str
) -> None:
    internet.names["photos.example"] = [address]
    started = time.monotonic()
    with pytest.raises(UrlUnavailable):
        fetcher.get_photo("https://photos.example/a.jpg", Deadline())
    assert time.monotonic() - started >= guard.LOOK_UP_SECONDS


@pytest.mark.parametrize("inward", ["https://127.0.0.1:{}/", "http://127.0.0.1:{}/", "//[::1]:{}/"])
def test_row_18_a_trusted_site_cannot_redirect_inward(listener: socket.socket, inward: str) -> None:
    with LocalServer() as server:
        fetcher = Fetcher("catalogue@example.org", trusted=server.url)
        target = inward.format(listener.getsockname()[1])
        server.answers["/a.jpg"] = Answer(302, headers={"Location": target})
        with pytest.raises(UrlNotAllowed):
            fetcher.get_photo(f"{server.url}/a.jpg", Deadline())
    assert saw_nothing(listener)


def test_row_18_a_redirect_with_a_user_is_refused() -> None:
    with LocalServer() as server:
        fetcher = Fetcher("catalogue@example.org", trusted=server.url)
        target = server.url.replace("http://", "http://user:password@") + "/b.jpg"
        server.answers["/a.jpg"] = Answer(302, headers={"Location": target})
        with pytest.raises(UrlNotAllowed):
            fetcher.get_photo(f"{server.url}/a.jpg", Deadline())
        assert not server.asked("/b.jpg")


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "2606:4700:4700::1111"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_public(ip_address(address))


def test_through_a_proxy_the_checked_address_is_asked_for(internet: Internet) -> None:
    internet.names["photos.example"] = [PUBLIC, "127.0.0.1"]
    with socket.create_server(("127.0.0.1", 0)) as proxy, pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", CONNECT)
        url = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        heard: list[bytes] = []
        thread = threading.Thread(target=lambda: heard.append(hear_and_refuse(proxy)))
        thread.start()
        with pytest.raises(UrlUnavailable):
            Fetcher("contact", proxy=url).get_photo("https://photos.example/a.jpg", Deadline())
        thread.join()
    assert heard[0].startswith(f"CONNECT {PUBLIC}:443 ".encode())


CONNECT = socket.socket.connect


def hear_and_refuse(proxy: socket.socket) -> bytes:
    connection = proxy.accept()[0]
    with connection:
        heard = connection.recv(4096)
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
    return heard


@pytest.fixture
def tls_server(tmp_path, monkeypatch) -> Iterator[Callable[[str], LocalServer]]:
    """Make a server with a certificate for a name, signed by an authority that the fetcher knows."""
    authority = trustme.CA()
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(bundle)
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(bundle))
    servers: list[LocalServer] = []

    def start(name: str) -> LocalServer:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        servers.append(LocalServer(context))
        return servers[-1].__enter__()

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def everything_is_at_loopback(monkeypatch) -> None:
    """Take loopback for the public address of every name."""
    monkeypatch.setattr(requests_hardened.ip_filter_adapter, "filter_host", lambda *_, **__: "127.0.0.1")
    monkeypatch.setattr(guard, "is_public", lambda _: True)


@pytest.mark.usefixtures("everything_is_at_loopback")
def test_a_photo_arrives_by_https_under_the_name_of_its_site(fetcher: Fetcher, tls_server) -> None:
    server = tls_server("photos.example")
    server.answers["/a.jpg"] = Answer(200, "image/jpeg", draw_picture())
    assert fetcher.get_photo(f"https://photos.example:{server.port}/a.jpg", Deadline()) == draw_picture()
    assert server.requests[0].headers["Host"] == f"photos.example:{server.port}"


@pytest.mark.usefixtures("everything_is_at_loopback")
def test_row_19_the_certificate_of_another_site_is_refused(fetcher: Fetcher, tls_server) -> None:
    server = tls_server("other.example")
    server.answers["/a.jpg"] = Answer(200, "image/jpeg", draw_picture())
    with pytest.raises(UrlUnavailable):
        fetcher.get_photo(f"https://photos.example:{server.port}/a.jpg", Deadline())
    assert server.requests == []


@pytest.mark.usefixtures("everything_is_at_loopback")
def test_row_19_the_certificate_of_an_unknown_authority_is_refused(
    fetcher: Fetcher, tls_server, monkeypatch
) -> None:
    known = requests.adapters.DEFAULT_CA_BUNDLE_PATH
    server = tls_server("photos.example")
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", requests.certs.where())
    assert requests.certs.where() != known
    with pytest.raises(UrlUnavailable):
        fetcher.get_photo(f"https://photos.example:{server.port}/a.jpg", Deadline())
    assert server.requests == []
