"""The response to a request that meets a fault, in place of the provider's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

from attrs import evolve

from smscore.sandbox.emulation import Emulation
from smscore.sandbox.fault_kinds import ActiveFault, FaultKind
from smscore.sandbox.faults import DEFAULT_SECONDS
from smscore.sandbox.replies import PlannedResponse, RefusalReason, planned

__all__ = ["NO_RESPONSE", "response_of"]

# A fault, the provider that it strikes, and the provider's own response, to the response that goes out.
FaultResponse = Callable[[ActiveFault, Emulation, PlannedResponse], PlannedResponse]

# The provider's own response where the fault kept its function from being called.
NO_RESPONSE: Final = PlannedResponse(0, b"")

_HTML: Final = "text/html"


def response_of(fault: ActiveFault, emulation: Emulation, own: PlannedResponse) -> PlannedResponse:
    """What goes out for a request that met ``fault``, where the provider's own response would be ``own``."""
    return _RESPONSES[fault.kind](fault, emulation, own)


def _refuse(fault: ActiveFault, emulation: Emulation, _: PlannedResponse) -> PlannedResponse:
    return planned(emulation.errors[fault.code or 0].reply)


def _unauthorized(_: ActiveFault, emulation: Emulation, __: PlannedResponse) -> PlannedResponse:
    return planned(emulation.refusals[RefusalReason.UNAUTHORIZED])


def _rate_limited(fault: ActiveFault, _: Emulation, __: PlannedResponse) -> PlannedResponse:
    wait = {"Retry-After": str(math.ceil(_seconds(fault)))}
    return PlannedResponse(429, _page("429 Too Many Requests"), _HTML, wait)


def _always(response: PlannedResponse) -> FaultResponse:
    return lambda _, __, ___: response


def _page(title: str) -> bytes:
    return f"<!doctype html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>".encode()


def _seconds(fault: ActiveFault) -> float:
    return DEFAULT_SECONDS if fault.seconds is None else fault.seconds


_RESPONSES: Final[Mapping[FaultKind, FaultResponse]] = {
    "refuse": _refuse,
    "no_credit": lambda _, __, own: own,  # the provider's function found the account empty, and said so itself
    "expired_token": _unauthorized,
    "rate_limit": _rate_limited,
    "server_error": _always(PlannedResponse(500, _page("500 Internal Server Error"), _HTML)),
    "html": _always(PlannedResponse(200, _page("Please wait"), _HTML)),
    "cut": lambda _, __, own: evolve(own, is_cut=True),
    "drop_before": _always(PlannedResponse(0, b"", is_dropped=True)),
    "drop_after": lambda _, __, own: evolve(own, is_dropped=True),
    "delay": lambda fault, _, own: evolve(own, delay=_seconds(fault)),
}
