"""The faults that are set, and which of them a request meets."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final, get_args

from smscore.numbers import Recipient, local_form
from smscore.sandbox.emulation import Emulation, Route
from smscore.sandbox.fault_kinds import FAULT_RULES, ActiveFault, FaultKind
from smscore.sandbox.special_recipients import SPECIAL_RECIPIENTS
from smscore.sandbox.spelling import normalized

__all__ = ["DEFAULT_SECONDS", "SPECIAL_FAULTS", "Faults"]

MAX_FAULTS: Final = 1000
MAX_SECONDS: Final = 600.0
DEFAULT_SECONDS: Final = 1.0  # of a kind that needs a time, where none is given

# Made once: a special recipient's fault is never used up.
SPECIAL_FAULTS: Final[Mapping[str, ActiveFault]] = {
    recipient: ActiveFault(id=0, kind=scenario.fault, number=recipient, seconds=scenario.seconds)
    for recipient, scenario in SPECIAL_RECIPIENTS.items()
    if scenario.fault is not None
}


class Faults:
    """The faults that are set. Of several that match a request, it meets the oldest.

    ``version`` grows with every change, so that the page knows when to read them again.
    """

    def __init__(self, emulations: Mapping[str, Emulation]) -> None:
        self._emulations = emulations
        self._active: dict[int, ActiveFault] = {}
        self._last_id = 0
        self.version: int = 0

    def __iter__(self) -> Iterator[ActiveFault]:
        return iter(self._active.values())

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
        """Set a fault, and return it.

        Raises:
            ValueError: it could never match a request, or a value is out of range; the text says what to change.
        """
        needs = _needs(kind)
        fault = ActiveFault(
            id=self._last_id + 1,
            kind=kind,
            provider=provider,
            call=call,
            number=None if number is None else normalized(number),
            times=times,
            code=code if "code" in needs else None,
            seconds=(DEFAULT_SECONDS if seconds is None else seconds) if "seconds" in needs else None,
            left=times,
        )
        for problem in self._problems(fault):
            raise ValueError(problem)
        self._last_id = fault.id
        self._active[fault.id] = fault
        self.version += 1
        return fault

    def _problems(self, fault: ActiveFault) -> Iterator[str]:
        if len(self._active) >= MAX_FAULTS:
            yield f"{MAX_FAULTS} faults are set already: clear some of them first."
        if fault.times is not None and fault.times < 1:
            yield "times must be 1 or more, or None to last until the fault is cleared."
        if fault.seconds is not None and not 0 <= fault.seconds <= MAX_SECONDS:
            yield f"seconds must be from 0 to {MAX_SECONDS:g}."
        if fault.provider is not None and fault.provider not in self._emulations:
            yield f"Unknown provider; the sandbox has {sorted(self._emulations)}."
            return
        providers = [self._emulations[fault.provider]] if fault.provider else list(self._emulations.values())
        calls = [(emulation, route) for emulation in providers for route in emulation.routes]
        if fault.call is not None:
            names = sorted({route.name for _, route in calls})
            calls = [(emulation, route) for emulation, route in calls if _is_call(route, fault.call)]
            if not calls:
                yield f"Unknown call; there are {names}."
                return
        yield from _recipient_problems(fault, [route for _, route in calls])
        codes = sorted({code for emulation, _ in calls for code in emulation.errors})
        if "code" in _needs(fault.kind) and fault.code not in codes:
            yield f"code must be a documented error code; there are {codes}."

    def remove(self, fault_id: int) -> bool:
        """Clear one fault; False if no fault has this id."""
        self.version += 1
        return self._active.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Clear every fault."""
        self._active.clear()
        self.version += 1

    def of_request(self, emulation: Emulation, route: Route) -> ActiveFault | None:
        """The fault that a request meets whoever its recipients are. It counts as one use of that fault."""
        return self._use(fault for fault in self._matching(emulation, route) if fault.number is None)

    def of_recipients(self, emulation: Emulation, route: Route, recipients: Collection[str]) -> ActiveFault | None:
        """The fault that a request meets because of one of its recipients (E.164); counts as one use."""
        # A set of a long list's recipients is made only where a fault names a number at all.
        numbers = set(recipients) if any(fault.number for fault in self) else frozenset[str]()
        set_by_hand = self._use(fault for fault in self._matching(emulation, route) if fault.number in numbers)
        return set_by_hand or next(filter(None, map(SPECIAL_FAULTS.get, recipients)), None)

    def _matching(self, emulation: Emulation, route: Route) -> Iterator[ActiveFault]:
        for fault in self:
            if (
                fault.provider in (None, emulation.name)
                and (fault.call is None or _is_call(route, fault.call))
                and (fault.code is None or fault.code in emulation.errors)
            ):
                yield fault

    def _use(self, matching: Iterator[ActiveFault]) -> ActiveFault | None:
        fault = next(matching, None)
        if fault is not None and fault.left is not None:
            fault.left -= 1
            self.version += 1
            if fault.left == 0:
                del self._active[fault.id]
        return fault


def _recipient_problems(fault: ActiveFault, routes: list[Route]) -> Iterator[str]:
    if fault.number is None:
        return
    if not local_form(fault.number):
        yield "number must be a mobile number, e.g. 09123456789."
    if not any(route.sends for route in routes):
        yield "This call has no recipients: leave out number, or name a call that sends."


def _needs(kind: str) -> tuple[str, ...]:
    for name, rule in FAULT_RULES.items():
        if name == kind:
            return rule.needs
    raise ValueError(f"Unknown kind of fault; there are {list(get_args(FaultKind))}.")


def _is_call(route: Route, name: str) -> bool:
    return name in (route.name, route.path)
