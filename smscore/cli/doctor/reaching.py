"""Whether the provider's host can be reached, and whether its certificate is trusted: asked without a token."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Final, cast
from urllib.parse import urlsplit

from attrs import frozen

from smscore import clock
from smscore.calls.guard import check_hosts
from smscore.cli.doctor.certificates import CHECK, CertificateProblem, certificate_finding
from smscore.diagnosis import Finding, bad, cannot_tell, good
from smscore.errors import ConnectionFailed

__all__ = ["Host", "examine_host"]

_SECONDS: Final = 10.0
_PORTS: Final = {"https": 443, "http": 80}
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_NETWORK: Final = "Check the network, the base URL (<NAME>_BASE_URL), and whether a firewall lets this machine out."


@frozen
class Host:
    """Where a base URL leads."""

    name: str
    port: int
    is_https: bool

    @classmethod
    def of(cls, base_url: str) -> Host:
        """The host of a checked base URL."""
        parts = urlsplit(base_url)
        return cls(parts.hostname or "", parts.port or _PORTS[parts.scheme], parts.scheme == "https")


async def examine_host(client: Any, base_url: str, proxy: str | None) -> AsyncIterator[Finding]:
    """Whether the host can be reached; a bad finding ends it."""
    host = Host.of(base_url)
    if proxy is not None:
        yield await _by_proxy(client, host)
        return
    check_hosts(host.name)
    found = await _reached(host)
    yield found or good("host", f"{host.name} can be reached at port {host.port}.")
    if found is None:
        yield await _certificate(host) if host.is_https else cannot_tell(CHECK, "The base URL is plain http.")


async def _by_proxy(client: Any, host: Host) -> Finding:
    try:
        await client.connect()
    except ConnectionFailed as error:
        return bad("host", f"{host.name} cannot be reached by the proxy: {error}", "Check --proxy (PAYAMAK_PROXY).")
    return good("host", f"{host.name} can be reached by the proxy.")


async def _reached(host: Host) -> Finding | None:
    """What keeps this machine from the host, or None."""
    try:
        async with clock.timeout(_SECONDS):
            await asyncio.get_running_loop().getaddrinfo(host.name, host.port, type=socket.SOCK_STREAM)
            await _closed(*await asyncio.open_connection(host.name, host.port))
    except socket.gaierror:
        return bad("host", f"The name {host.name} cannot be resolved.", _NETWORK)
    except TimeoutError:
        return bad("host", f"{host.name} does not answer within {_SECONDS:g} seconds.", _NETWORK)
    except OSError as error:
        why = error.strerror or type(error).__name__
        return bad("host", f"{host.name} refuses connections to port {host.port} ({why}).", _NETWORK)
    return None


async def _certificate(host: Host) -> Finding:
    try:
        async with clock.timeout(_SECONDS):
            await _closed(*await asyncio.open_connection(host.name, host.port, ssl=ssl.create_default_context()))
    except ssl.SSLCertVerificationError as error:
        return certificate_finding(await _problem(host, error), host.name)
    except (OSError, TimeoutError) as error:  # ssl.SSLError is one
        why = getattr(error, "reason", None) or type(error).__name__
        return bad(CHECK, f"The TLS handshake with {host.name} failed ({why}).", _NETWORK)
    return good(CHECK, "Its certificate is valid, with a full chain to a trusted authority.")


async def _problem(host: Host, error: ssl.SSLCertVerificationError) -> CertificateProblem:
    """The same with what the server sent, asked for once more without trust: nothing of ours is sent."""
    chain: Sequence[Mapping[str, Any]] = ()
    with suppress(OSError, TimeoutError):  # then only OpenSSL's number tells
        async with clock.timeout(_SECONDS):
            chain = await _sent_chain(host)
    own, last = (chain[0], chain[-1]) if chain else (_NOTHING, _NOTHING)
    return CertificateProblem(
        code=error.verify_code,
        words=error.verify_message,
        sent=len(chain),
        issuer=_name(last.get("issuer", ())),
        issuer_url=next(iter(last.get("caIssuers", ())), ""),
        names=tuple(name for _, name in own.get("subjectAltName", ())),
    )


async def _sent_chain(host: Host) -> Sequence[Mapping[str, Any]]:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(host.name, host.port, ssl=context)
    try:
        # The public method, of Python 3.13, gives bytes that nothing in the standard library reads.
        inner: Any = getattr(writer.get_extra_info("ssl_object"), "_sslobj", None)
        sent: Sequence[Any] = inner.get_unverified_chain() if hasattr(inner, "get_unverified_chain") else ()
        return [cast("Mapping[str, Any]", certificate.get_info()) for certificate in sent or ()]
    finally:
        await _closed(reader, writer)


def _name(distinguished: Sequence[Sequence[tuple[str, str]]]) -> str:
    """The most telling part of an X.501 name."""
    parts = {key: value for group in distinguished for key, value in group}
    return next((parts[key] for key in ("commonName", "organizationName") if key in parts), "")


async def _closed(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
