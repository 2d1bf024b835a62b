"""Playing a call: the provider's own function, and the fault that the call meets."""

from __future__ import annotations

from smscore.sandbox.emulation import Call, StoppedByFault
from smscore.sandbox.fault_kinds import FAULT_RULES
from smscore.sandbox.fault_responses import NO_RESPONSE, response_of
from smscore.sandbox.faults import Faults
from smscore.sandbox.replies import CallRefused, PlannedResponse, planned

__all__ = ["play"]


def play(call: Call, faults: Faults) -> PlannedResponse:
    """What goes out for a call, with the fault that it meets; the memory's lock is held."""
    call.exchange.fault = faults.of_request(call.emulation, call.route)
    own = _own_response(call)
    fault = call.exchange.fault  # by now it may be that of a recipient
    return own if fault is None else response_of(fault, call.emulation, own)


def _own_response(call: Call) -> PlannedResponse:
    """The provider's own response, or none if the fault keeps the request from being accepted."""
    rule = call.exchange.fault and FAULT_RULES[call.exchange.fault.kind]
    if rule and not rule.is_accepted:
        return NO_RESPONSE
    credit = call.account.credit
    if rule and rule.empties_account:
        call.account.credit = 0
    try:
        return planned(call.route.answer(call))
    except CallRefused as refused:
        return planned(refused.reply)
    except StoppedByFault:
        return NO_RESPONSE
    finally:
        if rule and rule.empties_account:
            call.account.credit = credit
