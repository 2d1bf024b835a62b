"""Who may call the sandbox: a web page from elsewhere must neither read it nor change it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web
from attrs import frozen

from smscore.sandbox.api.errors import RestError

__all__ = ["Callers", "host_names"]

READING: Final = frozenset({"GET", "HEAD"})

# A Host header (RFC 9110, 3986): a name, an IPv4 address, or an IPv6 address in brackets; then perhaps a port.
_HOST: Final = re.compile(r"(?:\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<name>[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?\.?))(?::[0-9]*)?")
_NAME: Final = re.compile(r"[a-z0-9_](?:[a-z0-9._-]{0,251}[a-z0-9_])?\.?")

_OTHER_HOST: Final = (
    "The sandbox does not answer to this host name. Use localhost or an IP address. To allow the name of a container "
    "or a compose service, start it with --allow-host NAME, or Sandbox(allow_hosts=[NAME])."
)
_OTHER_ORIGIN: Final = "A web page of another origin may not change the sandbox."


def host_names(names: Iterable[str]) -> frozenset[str]:
    """Host names as they are compared: in lower case, without a trailing dot.

    Raises:
        TypeError: a text instead of a list of them.
        ValueError: one is not a bare host name.
    """
    if isinstance(names, str):
        raise TypeError("allow_hosts must be a list of host names, e.g. ['sms-sandbox'].")
    found = [name.strip().lower() for name in names]
    if not all(map(_NAME.fullmatch, found)):
        raise ValueError("allow_hosts must be host names, e.g. sms-sandbox, without a scheme or a port.")
    return frozenset(name.removesuffix(".") for name in found)


@frozen
class Callers:
    """Tells calls of this machine's programs, and to the names in ``allowed``, from those of foreign web pages.

    A stranger's name server can resolve the stranger's own name to this machine's address (DNS rebinding). The page
    then has the same origin as the sandbox, and only the Host header shows where it came from. No name server can
    give out an IP address or a loopback name, so those are accepted.
    """

    allowed: frozenset[str] = frozenset()

    def check(self, request: web.Request) -> None:
        """Raise a ``RestError`` if the caller may not make this request."""
        hosts = [*request.headers.getall("Host", []), *_host_of_target(request.raw_path)]
        # A browser sends exactly one. Of two, a proxy in front of the sandbox may have checked the other one.
        if not hosts or len(set(hosts)) > 1 or not self.answers_to(hosts[0]):
            raise RestError(403, _OTHER_HOST)
        origin = request.headers.get("Origin")
        if request.method not in READING and origin is not None and _netloc(origin) != hosts[0].lower():
            raise RestError(403, _OTHER_ORIGIN)

    def answers_to(self, host: str) -> bool:
        """Whether a Host header has an IP address, a loopback name, or an allowed name."""
        match = _HOST.fullmatch(host.lower())
        if match is None:
            return False
        if match["ipv6"] is not None:
            return _is_address(match["ipv6"])
        name = match["name"].removesuffix(".")
        return name == "localhost" or name.endswith(".localhost") or name in self.allowed or _is_address(name)


def _host_of_target(target: str) -> list[str]:
    """The host in a request's target, which has one if the client takes the sandbox for a proxy."""
    return [] if target.startswith(("/", "*")) else [_netloc(target) or ""]


def _netloc(url: str) -> str | None:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return None


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
