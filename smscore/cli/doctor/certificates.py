"""Why a server's certificate is not trusted, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from smscore.diagnosis import Finding, bad

__all__ = ["CHECK", "CertificateProblem", "certificate_finding"]

CHECK: Final = "certificate"

# OpenSSL's numbers (X509_V_ERR_…).
NOT_YET_VALID: Final = 9
EXPIRED: Final = 10
SELF_SIGNED: Final = 18
UNTRUSTED_ROOT: Final = 19
NO_ISSUER: Final = 20
NO_CHAIN: Final = 21
OTHER_NAME: Final = 62
OTHER_ADDRESS: Final = 64


@frozen
class CertificateProblem:
    """What OpenSSL said, and what the server sent: ``sent`` certificates, the first of them its own.

    ``issuer`` is the name of the authority that signed the last one, ``issuer_url`` where that authority's own
    certificate can be had; ``names`` are the hosts that the first one is for. What is not known is empty.
    """

    code: int
    words: str
    sent: int = 0
    issuer: str = ""
    issuer_url: str = ""
    names: tuple[str, ...] = ()


_IN_PROGRAMS: Final = (
    "Until then a program can load it: context = ssl.create_default_context(); "
    'context.load_verify_locations("intermediate.pem"); and give the client ssl=context.'
)
_CLOCK: Final = "Compare this machine's clock with the time. If that is right, tell the provider."
_NOT_THEIRS: Final = (
    "Do not send a token there: a filter, an antivirus or a captive portal may be intercepting the connection. "
    "Try from another network, and ask the provider."
)
_SAW: Final[Mapping[int, tuple[str, str]]] = {
    NOT_YET_VALID: ("The server's certificate is not valid yet.", _CLOCK),
    EXPIRED: ("The server's certificate has expired.", _CLOCK),
    SELF_SIGNED: ("The server's certificate is self-signed.", _NOT_THEIRS),
    UNTRUSTED_ROOT: (
        "The server's certificate chain is complete, but this machine does not trust its authority.",
        f"{_NOT_THEIRS} If the authority is your own, load it into an ssl.SSLContext, and give the client ssl=context.",
    ),
}


def certificate_finding(problem: CertificateProblem, host: str) -> Finding:
    """The finding of a certificate that is not trusted."""
    if problem.code in (OTHER_NAME, OTHER_ADDRESS):
        names = ", ".join(problem.names) or "other names"
        saw = f"The server's certificate is for {names}, not for {host}."
        return bad(CHECK, saw, "Correct the base URL (<NAME>_BASE_URL). If that is right, tell the provider.")
    if problem.code in (NO_ISSUER, NO_CHAIN):
        return _broken_chain(problem)
    saw, advice = _SAW.get(problem.code, (f"The server's certificate is not trusted: {problem.words}.", _NOT_THEIRS))
    return bad(CHECK, saw, advice)


def _broken_chain(problem: CertificateProblem) -> Finding:
    issuer = f"the certificate of {problem.issuer}" if problem.issuer else "an intermediate certificate"
    sent = "only its own certificate" if problem.sent == 1 else "an incomplete chain of certificates"
    saw = f"The server sends {sent}: {issuer} is missing, and this machine does not have it."
    where = f" It is at {problem.issuer_url} (perhaps to be converted to PEM)." if problem.issuer_url else ""
    return bad(CHECK, saw, f"Ask the provider to send its full certificate chain.{where} {_IN_PROGRAMS}")
