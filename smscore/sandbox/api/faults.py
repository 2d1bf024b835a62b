"""REST calls for faults: list, set and clear them."""

from __future__ import annotations

from typing import Annotated, Final

from attrs import asdict, frozen
from msgspec import Meta

from smscore.sandbox.api.errors import RestError
from smscore.sandbox.api.routing import Cleared, Name, Nothing, Number, ProviderName, RestCall, RestRoute
from smscore.sandbox.fault_kinds import ActiveFault, FaultKind

__all__ = ["FAULTS"]


@frozen(kw_only=True, repr=False)
class FaultBody:
    """A fault for the requests that match, for the next `times` of them, or until it is cleared.

    Omitted filters match everything.
    """

    kind: FaultKind
    provider: ProviderName | None = None
    call: Name | None = None
    number: Number | None = None
    times: Annotated[int, Meta(ge=1)] | None = None
    code: int | None = None
    seconds: Annotated[float, Meta(ge=0, le=600)] | None = None


@frozen
class IdPath:
    """Which fault."""

    id: Annotated[int, Meta(ge=1)]


def list_faults(call: RestCall[Nothing, Nothing, Nothing]) -> list[ActiveFault]:
    return list(call.state.faults)


def add_fault(call: RestCall[Nothing, Nothing, FaultBody]) -> ActiveFault:
    try:
        return call.state.faults.add(**asdict(call.body))
    except ValueError as error:
        raise RestError(422, str(error)) from None


def clear_faults(call: RestCall[Nothing, Nothing, Nothing]) -> Cleared:
    before = len(list(call.state.faults))
    call.state.faults.clear()
    return Cleared(before)


def clear_fault(call: RestCall[IdPath, Nothing, Nothing]) -> Cleared:
    if not call.state.faults.remove(call.path.id):
        raise RestError(404, "No fault has this id, or it was used up: GET /api/faults lists them.")
    return Cleared(1)


FAULTS: Final = (
    RestRoute("GET", "/api/faults", list_faults, "List the active faults", list[ActiveFault]),
    RestRoute("POST", "/api/faults", add_fault, "Set a fault", ActiveFault, body=FaultBody),
    RestRoute("DELETE", "/api/faults", clear_faults, "Clear all faults", Cleared),
    RestRoute("DELETE", "/api/faults/{id}", clear_fault, "Clear one fault", Cleared, path=IdPath, errors=(404,)),
)
