"""The IP addresses that the site may connect to on behalf of somebody else.

requests-hardened looks a name up once, refuses private addresses, and connects to the very address that it
checked, so that a second look-up cannot lead elsewhere. It lets a few reserved ranges pass; this module
closes them with a list of what is allowed.
"""

import socket
import time
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter

LOOK_UP_SECONDS = 0.5  # longer than most name servers take to say that there is no such name
# The only IPv6 block assigned to the public. Outside lie the old site-local fec0::/10, ::/96, which stands
# for IPv4, and NAT64. Python and requests-hardened know what is not public inside it: Teredo, 6to4.
GLOBAL_UNICAST = IPv6Network("2000::/3")


class NoPublicName(OSError):
    """A name that stands for no public address, or for none at all."""


class PublicAdapter(IPFilterAdapter):
    """Sends https requests, and connects to public addresses only.

    For any other `send` raises InvalidIPAddress, an OSError, without connecting. A name that stands for an
    inner address is to look like one that stands for none: both are OSErrors, at least `LOOK_UP_SECONDS`
    after the look-up began, so that nobody can ask which names an inner network has.
    """

    def __init__(self) -> None:
        super().__init__(is_https_proto=True)

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: bool | str, cert: str | tuple[str, str] | None = None
    ) -> Any:
        """Replace the host by its checked address, as requests-hardened does, and check more strictly."""
        end = time.monotonic() + LOOK_UP_SECONDS
        try:
            host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
            if not is_public(ip_address(host["host"].strip("[]"))):
                raise InvalidIPAddress(host["host"])
        except OSError as error:
            if is_number(urlsplit(request.url or "").hostname or ""):
                raise
            time.sleep(max(0.0, end - time.monotonic()))
            raise NoPublicName from error
        return host, pool


def is_number(host: str) -> bool:
    """Tell an address in numbers, however it is written, from a name, which may stand for any address."""
    with suppress(ValueError):
        return bool(ip_address(host))
    with suppress(OSError, UnicodeError):
        return bool(socket.inet_aton(host))  # as the system reads numbers, 0x7f.1 for one
    return False


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address that requests-hardened lets pass is on the public internet."""
    may_be = address.version == 4 or address in GLOBAL_UNICAST
    return may_be and address.is_global and not address.is_multicast
