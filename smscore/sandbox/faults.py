"""What can be made to go wrong, as a table, and the faults that are set."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Final, Literal, get_args

import attrs

from smscore.numbers import Recipient, local_form
from smscore.sandbox.replies import PlannedResponse, RefusalReason, planned
from smscore.sandbox.special_recipients import SPECIAL_RECIPIENTS
from smscore.sandbox.spelling import normal

if TYPE_CHECKING:
    from smscore.sandbox.emulation import Emulation, Route

__all__ = ["FAULT_RULES", "ActiveFault", "FaultKind", "FaultRule", "Faults", "StoppedByFault"]

HTML: Final = "text/html"
MOST_FAULTS: Final = 1000
LONGEST: Final = 600.0  # seconds
SECONDS: Final = 1.0  # where a fault needs a time and none is given

FaultKind = Literal[
    "refuse",
    "no_credit",
    "expired_token",
    "rate_limit",
    "server_error",
    "html",
    "cut",
    "drop_before",
    "drop_after",
    "delay",
]


@attrs.define(kw_only=True, repr=False)
class ActiveFault:
    """One fault that is set. What is null is any; `left` counts down, null being until it is cleared."""

    id: int
    kind: FaultKind
    provider: str | None = None
    call: str | None = None
    number: str | None = None
    times: int | None = None
    code: int | None = None
    seconds: float | None = None
    left: int | None = None


@attrs.frozen(repr=False)
class FaultRule:
    """One thing that can go wrong.

    ``turns`` makes what goes out of the fault, the provider and its honest answer. ``needs`` names what must be
    said of it. Where ``is_accepted``, the provider does what it was asked all the same; where ``empties_account``, it
    answers as if the account were empty.
    """

    words: str
    turns: "Callable[[ActiveFault, Emulation, PlannedResponse], PlannedResponse]"
    needs: tuple[str, ...] = ()
    is_accepted: bool = False
    empties_account: bool = False


def page(title: str) -> bytes:
    return f"<!doctype html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>".encode()


def seconds_of(fault: ActiveFault) -> float:
    return SECONDS if fault.seconds is None else fault.seconds


def refused(fault: ActiveFault, emulation: "Emulation", _: PlannedResponse) -> PlannedResponse:
    return planned(emulation.errors[fault.code or 0].reply)


def rate_limited(fault: ActiveFault, _: "Emulation", __: PlannedResponse) -> PlannedResponse:
    wait = {"Retry-After": str(math.ceil(seconds_of(fault)))}
    return PlannedResponse(429, page("429 Too Many Requests"), HTML, wait)


def instead(answer: PlannedResponse) -> "Callable[[ActiveFault, Emulation, PlannedResponse], PlannedResponse]":
    """The same answer whatever the provider's is."""

    def turns(_: ActiveFault, __: "Emulation", ___: PlannedResponse) -> PlannedResponse:
        return answer

    return turns


# Every kind of fault, in the order that they are offered.
FAULT_RULES: Final[Mapping[FaultKind, FaultRule]] = {
    "refuse": FaultRule("The provider refuses, with one of its codes.", refused, needs=("code",)),
    "no_credit": FaultRule(
        "The account has no credit.", lambda _, __, honest: honest, is_accepted=True, empties_account=True
    ),
    "expired_token": FaultRule(
        "The token is not valid any more.",
        lambda _, emulation, __: planned(emulation.refusals[RefusalReason.UNAUTHORIZED]),
    ),
    "rate_limit": FaultRule("429, with a Retry-After of so many seconds.", rate_limited, needs=("seconds",)),
    "server_error": FaultRule(
        "500; nothing is accepted.", instead(PlannedResponse(500, page("500 Internal Server Error"), HTML))
    ),
    "html": FaultRule(
        "An HTML page with a 200, as a CDN gives it; nothing is accepted.",
        instead(PlannedResponse(200, page("Please wait"), HTML)),
    ),
    "cut": FaultRule(
        "Accepted, but the answer breaks off in the middle.",
        lambda _, __, honest: attrs.evolve(honest, is_cut=True),
        is_accepted=True,
    ),
    "drop_before": FaultRule(
        "The connection closes; nothing is accepted.", instead(PlannedResponse(0, b"", is_dropped=True))
    ),
    "drop_after": FaultRule(
        "Accepted, but the connection closes without an answer.",
        lambda _, __, honest: attrs.evolve(honest, is_dropped=True),
        is_accepted=True,
    ),
    "delay": FaultRule(
        "Accepted at once, answered so many seconds later.",
        lambda fault, _, honest: attrs.evolve(honest, delay=seconds_of(fault)),
        needs=("seconds",),
        is_accepted=True,
    ),
}

# Stands where there is no honest answer, because nothing was asked of the provider.
NO_ANSWER: Final = PlannedResponse(0, b"")


class StoppedByFault(Exception):
    """Raised where a message would be accepted, by a fault of its recipient that keeps it from being."""


class Faults:
    """The faults that are set, each for the next so many requests or until it is cleared; the oldest goes first."""

    def __init__(self, emulations: "Mapping[str, Emulation]") -> None:
        self._emulations = emulations
        self._set: dict[int, ActiveFault] = {}
        self._last_id = 0
        self.version: int = 0

    def __iter__(self) -> Iterator[ActiveFault]:
        return iter(self._set.values())

    def add(
        self,
        kind: FaultKind,
        *,
        provider: str | None = None,
        call: str | None = None,
        number: Recipient | None = None,
        times: int | None = None,
        code: int | None = None,
        seconds: float | None = None,
    ) -> ActiveFault:
        """Set a fault. A ``ValueError`` that says what to change where it could never strike."""
        fault = ActiveFault(
            id=self._last_id + 1,
            kind=kind,
            provider=provider,
            call=call,
            number=None if number is None else normal(number),
            times=times,
            code=code if "code" in needs_of(kind) else None,
            seconds=(SECONDS if seconds is None else seconds) if "seconds" in needs_of(kind) else None,
            left=times,
        )
        for problem in self._problems(fault):
            raise ValueError(problem)
        self._last_id = fault.id
        self._set[fault.id] = fault
        self.version += 1
        return fault

    def _problems(self, fault: ActiveFault) -> Iterator[str]:
        if len(self._set) >= MOST_FAULTS:
            yield f"There are {MOST_FAULTS} faults already: clear some."
        if fault.times is not None and fault.times < 1:
            yield "times is a number from 1 on, or None: until cleared."
        if fault.seconds is not None and not 0 <= fault.seconds <= LONGEST:
            yield f"seconds is a time from 0 to {LONGEST:g}."
        if fault.provider is not None and fault.provider not in self._emulations:
            yield f"No provider of this name; the sandbox has {sorted(self._emulations)}."
            return
        providers = [self._emulations[fault.provider]] if fault.provider else list(self._emulations.values())
        calls = [(emulation, route) for emulation in providers for route in emulation.routes]
        if fault.call is not None:
            names = sorted({route.name for _, route in calls})
            calls = [(emulation, route) for emulation, route in calls if is_call(route, fault.call)]
            if not calls:
                yield f"No call of this name; there are {names}."
                return
        if fault.number is not None and not local_form(fault.number):
            yield "number is no mobile number: give one such as 09123456789."
        if fault.number is not None and not any(route.sends for _, route in calls):
            yield "This call has no recipients: leave out the number, or name a call that sends."
        codes = sorted({code for emulation, _ in calls for code in emulation.errors})
        if "code" in needs_of(fault.kind) and fault.code not in codes:
            yield f"code is that of a documented error; there are {codes}."

    def remove(self, fault_id: int) -> bool:
        """Clear one fault; False where there is none of this id."""
        self.version += 1
        return self._set.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Clear every fault."""
        self._set.clear()
        self.version += 1

    def meet(self, emulation: "Emulation", route: "Route") -> ActiveFault | None:
        """The fault that this request meets, whomever it is to; it is used up by one."""
        return self._use(fault for fault in self._fitting(emulation, route) if fault.number is None)

    def meet_at(self, emulation: "Emulation", route: "Route", recipients: Collection[str]) -> ActiveFault | None:
        """The fault that a request meets because one of these is among its recipients."""
        numbers = set(recipients) if any(fault.number for fault in self) else frozenset[str]()
        set_by_hand = self._use(fault for fault in self._fitting(emulation, route) if fault.number in numbers)
        return set_by_hand or next(filter(None, map(SPECIAL_FAULTS.get, recipients)), None)

    def _fitting(self, emulation: "Emulation", route: "Route") -> Iterator[ActiveFault]:
        for fault in self:
            if (
                fault.provider in (None, emulation.name)
                and (fault.call is None or is_call(route, fault.call))
                and (fault.code is None or fault.code in emulation.errors)
            ):
                yield fault

    def _use(self, fitting: Iterator[ActiveFault]) -> ActiveFault | None:
        fault = next(fitting, None)
        if fault is not None and fault.left is not None:
            fault.left -= 1
            self.version += 1
            if fault.left == 0:
                del self._set[fault.id]
        return fault


def needs_of(kind: str) -> tuple[str, ...]:
    for name, known in FAULT_RULES.items():
        if name == kind:
            return known.needs
    raise ValueError(f"No fault of this kind; there are {list(get_args(FaultKind))}.")


def is_call(route: "Route", name: str) -> bool:
    return name in (route.name, route.path)


SPECIAL_FAULTS: Final[Mapping[str, ActiveFault]] = {
    recipient: ActiveFault(id=0, kind=scenario.fault, number=recipient, seconds=scenario.seconds)
    for recipient, scenario in SPECIAL_RECIPIENTS.items()
    if scenario.fault is not None
}
