"""Where a client may send its token: https, or http to where nobody else can listen."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from smscore.errors import ConfigurationError

# A service of a compose file or a cluster, such as sms-sandbox. An IP address in any spelling begins with a digit.
_ONE_LABEL: Final = re.compile(r"[a-z](?:[a-z0-9_-]{0,61}[a-z0-9])?", re.ASCII | re.IGNORECASE)


def checked_base_url(url: object, provider: str, name: str = "base_url=") -> str:
    """The base URL without its last slash; ``ConfigurationError``, which calls it ``name``, where it is unsafe."""
    problem = _problem(url)
    if problem:
        raise ConfigurationError(f"{name} {problem}.", provider=provider)
    return str(url).rstrip("/")


def _problem(url: object) -> str | None:
    if not isinstance(url, str):
        return f"must be a str, not {type(url).__name__}"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not a valid URL"
    if not host or "%" in host or not url.isascii() or not url.isprintable() or " " in url:
        return "is not a valid URL. Give one such as https://api.example.ir"
    if parts.username is not None or "?" in url or "#" in url:
        return "must have no user, query or fragment. The token goes into token="
    if parts.scheme == "https" or (parts.scheme == "http" and (is_loopback(host) or _ONE_LABEL.fullmatch(host))):
        return None
    return (
        "must be https. Plain http, in which the token can be read on the way, is allowed only to this machine "
        "(localhost) and to a host name without dots (a compose service: http://sms-sandbox:8025/…)"
    )


def is_loopback(host: str) -> bool:
    """Whether this host is always this machine."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower() == "localhost"
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
