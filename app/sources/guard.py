"""The IP addresses that the site may connect to on behalf of somebody else.

requests-hardened looks a name up once, refuses private addresses, and connects to the very address that it
checked, so that a second look-up cannot lead elsewhere. It lets a few reserved ranges pass; this module
closes them with a list of what is allowed.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from requests import PreparedRequest
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter

# The only IPv6 block assigned to the public. Outside lie the old site-local fec0::/10, ::/96, which stands
# for IPv4, and NAT64. Python and requests-hardened know what is not public inside it: Teredo, 6to4.
GLOBAL_UNICAST = IPv6Network("2000::/3")


class PublicAdapter(IPFilterAdapter):
    """Sends https requests, and connects to public addresses only.

    For any other `send` raises InvalidIPAddress, an OSError, without connecting.
    """

    def __init__(self) -> None:
        super().__init__(is_https_proto=True)

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: bool | str, cert: str | tuple[str, str] | None = None
    ) -> Any:
        """Replace the host by its checked address, as requests-hardened does, and check more strictly."""
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        if not is_public(ip_address(host["host"].strip("[]"))):
            raise InvalidIPAddress(host["host"])
        return host, pool


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address that requests-hardened lets pass is on the public internet."""
    may_be = address.version == 4 or address in GLOBAL_UNICAST
    return may_be and address.is_global and not address.is_multicast
