"""Who may call the sandbox: a web page from elsewhere must neither read nor drive somebody's sandbox."""

import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import attrs
from aiohttp import web

from smscore.sandbox.api.errors import RestError

__all__ = ["Callers", "host_names"]

READING: Final = frozenset({"GET", "HEAD"})

# RFC 9110 and 3986: a name, an IPv4 address, or an IPv6 address in brackets; then perhaps a port. Nobody's user name.
_HOST: Final = re.compile(r"(?:\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<name>[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?\.?))(?::[0-9]*)?")
_NAME: Final = re.compile(r"[a-z0-9_](?:[a-z0-9._-]{0,251}[a-z0-9_])?\.?")

_OTHER_HOST: Final = (
    "The sandbox does not answer to this host name. Call it as localhost or by its IP address, or start it with "
    "--allow-host NAME, or Sandbox(allow_hosts=[NAME]), for the name of a container or of a compose service."
)
_OTHER_ORIGIN: Final = "A web page of another origin may not change the sandbox."


def host_names(names: Iterable[str]) -> frozenset[str]:
    """Host names as they are compared. A ``ValueError`` for what is no host name alone, a ``TypeError`` for no list."""
    if isinstance(names, str):
        raise TypeError("allow_hosts must be a list of host names, such as ['sms-sandbox'].")
    found = [name.strip().lower() for name in names]
    if not all(map(_NAME.fullmatch, found)):
        raise ValueError("A host to allow must be a host name, such as sms-sandbox, without a scheme or a port.")
    return frozenset(name.removesuffix(".") for name in found)


@attrs.frozen
class Callers:
    """Tells callers of this machine, and of the hosts that are allowed by name, from web pages of elsewhere.

    A stranger's name server can give out this machine's address for a name of his (DNS rebinding): his page is then
    of the sandbox's own origin, and only the Host header says where it came from. An address, or a loopback name, is
    nobody's to give out.
    """

    allowed: frozenset[str] = frozenset()

    def check(self, request: web.Request) -> None:
        """Raise a ``RestError`` that says what to do next, unless the caller may make this request."""
        hosts = [*request.headers.getall("Host", []), *_host_of_target(request.raw_path)]
        # A browser sends one; of two, a proxy before the sandbox may have looked at the other.
        if not hosts or len(set(hosts)) > 1 or not self.answers_to(hosts[0]):
            raise RestError(403, _OTHER_HOST)
        origin = request.headers.get("Origin")
        if request.method not in READING and origin is not None and _netloc(origin) != hosts[0].lower():
            raise RestError(403, _OTHER_ORIGIN)

    def answers_to(self, host: str) -> bool:
        """Whether a Host header names this machine by an address, a loopback name, or a name that is allowed."""
        match = _HOST.fullmatch(host.lower())
        if match is None:
            return False
        if match["ipv6"] is not None:
            return _is_address(match["ipv6"])
        name = match["name"].removesuffix(".")
        return name == "localhost" or name.endswith(".localhost") or name in self.allowed or _is_address(name)


def _host_of_target(target: str) -> list[str]:
    """The host in a request's target, which has one where the client takes the sandbox for a proxy."""
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
