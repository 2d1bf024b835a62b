"""The sandbox's REST interface against its own OpenAPI description, by schemathesis.

Not collected unless named: ``pytest tests/openapi.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

import aiohttp
import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from smscore.sandbox import Sandbox
from smscore.sandbox.api.openapi import description

NAJVA = {"message": "کد: ۴۸۲۱", "sender": "90000123", "receivers": ["09123456789"] * 5}

# What a description cannot say: which providers there are, which codes and calls one has, when the calendar ends.
BEYOND = [positive_data_acceptance]

LONGEST_QUERY = 7_000  # characters, of the 8,190 that a request line may have

OPERATIONS = [result.ok() for result in schemathesis.openapi.from_dict(description()).get_all_operations()]


@pytest.fixture
async def origin() -> Iterator[str]:
    """A sandbox that has messages of both directions."""
    with Sandbox(keep=1000) as box:
        url = box.url("najva")
        async with aiohttp.ClientSession(headers={"Authorization": "Bearer token"}) as session:
            await session.post(f"{url}/v2/sms/send", json=NAJVA)
        box.feed("sepahan", sender="09123456789", number="50003300", text="لغو")
        yield url.removesuffix("/najva")


def takes_something(operation: schemathesis.APIOperation) -> bool:
    return bool(list(operation.iter_parameters()) or operation.body)


CASES = [
    pytest.param(operation, mode, id=f"{operation.label} {mode.value}")
    for operation in OPERATIONS
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or takes_something(operation)
]


@pytest.mark.parametrize(("operation", "mode"), CASES)
def test_every_answer_is_as_described(origin: str, operation: schemathesis.APIOperation, mode: GenerationMode) -> None:
    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case) -> None:
        if operation.path == "/api/messages/wait":
            case.query = {**case.query, "timeout": 0}
        # A longer request line is no request that the sandbox sees: aiohttp refuses it.
        assume(len(urlencode(dict(case.query or {}))) < LONGEST_QUERY)
        case.call_and_validate(base_url=origin, excluded_checks=BEYOND)

    check()
