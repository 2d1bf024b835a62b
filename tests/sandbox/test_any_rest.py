"""Whatever is sent to the sandbox's own interface: JSON, never a 500, and a quiet log."""

import http.client
import json
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox.odd import ODD, changed, places, put

from smscore.sandbox import Sandbox
from smscore.sandbox.api.routes import ROUTES
from smscore.sandbox.api.routing import Nothing, RestRoute
from smscore.sandbox.fault_kinds import FAULT_RULES

pytestmark = pytest.mark.exhaustive

NAJVA = {"message": "کد: ۴۸۲۱", "sender": "90000123", "receivers": ["09123456789"] * 3}

NAMES = sorted({field.name for route in ROUTES for shape in (route.query, route.body) for field in attrs.fields(shape)})
WORDS = [
    *("", "0", "1", "-1", "null", "true", "1e400", "9" * 30, "\x00", "\ud800", "سلام", "۰۹۱۲۳۴۵۶۷۸۹", "09990000008"),
    *("najva", "sepahan", "out", "delivered", "send", "http://127.0.0.1:1/", "http://[", "POST", *FAULT_RULES),
]
NUMBERS = [0, 1, -1, 14, 418, 60, 2**53, 2**63, 2**64, 10**30, 10**4000, 1e308, 0.5]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(NUMBERS)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(WORDS)
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=20,
)
VALID: dict[str, dict[str, Any]] = {
    "/api/messages/{seq}/status": {"code": 10},
    "/api/inbound": {"provider": "sepahan", "sender": "09123456789", "number": "5000", "text": "a"},
    "/api/faults": {"kind": "refuse", "code": 418, "times": 1, "provider": "najva", "call": "status"},
    "/api/clock": {"advance": 0},
    "/api/patterns": {"provider": "ippanel", "code": "abc123", "text": "%code%"},
    "/api/webhook": {"url": None, "method": "GET"},
    "/api/credit": {"provider": "najva", "token": "t", "credit": 10**9},
}
STATUSES = {200, 400, 404, 405, 409, 413, 415, 422}
MANY = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))


@attrs.define
class Wire:
    """One kept connection to a sandbox."""

    connection: http.client.HTTPConnection

    def check(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> int:
        self.connection.request(method, path, body, {"Content-Type": kind} if body is not None else {})
        response = self.connection.getresponse()
        text = response.read()
        assert response.headers.get_content_type() == "application/json"
        assert response.status in STATUSES, (response.status, text)
        answer = json.loads(text)
        assert response.status == 200 or set(answer) == {"error"}
        return response.status


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with Sandbox(keep=100) as box:
        where = urlsplit(box.url("najva"))
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
        headers = {"Authorization": "Bearer token"}
        connection.request("POST", "/najva/v2/sms/send", json.dumps(NAJVA).encode(), headers)
        assert connection.getresponse().read()
        yield Wire(connection)
        connection.close()


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.INFO)
    yield
    assert [record.getMessage() for record in caplog.get_records("call")] == []


def named(route: RestRoute) -> str:
    return f"{route.method} {route.url}"


def filled(route: RestRoute) -> str:
    return route.url.format(seq=1, number="09123456789", id=1)


WITH_BODY = [route for route in ROUTES if route.body is not Nothing]
WITH_QUERY = [route for route in ROUTES if route.query is not Nothing]
WITH_PATH = [route for route in ROUTES if route.path is not Nothing]


@pytest.mark.parametrize("route", WITH_BODY, ids=named)
@MANY
@given(body=JSON)
def test_any_json(wire: Wire, route: RestRoute, body: Any) -> None:
    wire.check(route.method, filled(route), json.dumps(body).encode())


@pytest.mark.parametrize("route", WITH_BODY, ids=named)
@MANY
@given(changes=st.dictionaries(st.sampled_from(NAMES), LEAVES, max_size=3))
def test_a_right_body_with_anything_in_it(wire: Wire, route: RestRoute, changes: dict[str, Any]) -> None:
    wire.check(route.method, filled(route), json.dumps(VALID[route.url] | changes).encode())


@pytest.mark.parametrize("route", WITH_BODY, ids=named)
def test_every_place_of_a_body_with_every_odd_value(wire: Wire, route: RestRoute) -> None:
    body = dict.fromkeys((field.name for field in attrs.fields(route.body)), "") | VALID[route.url]
    for place in places(body):
        for value in ODD:
            wire.check(route.method, filled(route), json.dumps(put(body, place, value)).encode())
            wire.check(route.method, filled(route), json.dumps(put(VALID[route.url], place, value)).encode())


@pytest.mark.parametrize("route", WITH_BODY, ids=named)
@MANY
@given(data=st.data())
def test_a_body_with_several_odd_values(wire: Wire, route: RestRoute, data: st.DataObject) -> None:
    body = data.draw(changed(VALID[route.url], NAMES))
    wire.check(route.method, filled(route), json.dumps(body).encode())


@pytest.mark.parametrize("route", WITH_BODY, ids=named)
@MANY
@given(body=st.binary(max_size=200), kind=st.sampled_from(["application/json", "text/plain", "", "a/b; charset=x"]))
def test_any_bytes(wire: Wire, route: RestRoute, body: bytes, kind: str) -> None:
    wire.check(route.method, filled(route), body, kind)


@pytest.mark.parametrize("route", WITH_QUERY, ids=named)
@MANY
@given(
    query=st.dictionaries(st.sampled_from([*NAMES, "nope"]), st.sampled_from(WORDS) | st.text(max_size=10), max_size=3)
)
def test_any_query(wire: Wire, route: RestRoute, query: dict[str, str]) -> None:
    asked = urlencode({"timeout": "0", **query} if route.url.endswith("wait") else query, errors="replace")
    if "timeout=0" in asked or not route.url.endswith("wait"):
        wire.check(route.method, f"{filled(route)}?{asked}")


@pytest.mark.parametrize("route", WITH_PATH, ids=named)
@MANY
@given(value=st.sampled_from([*WORDS, "..", "%", "%zz", "{seq}"]) | st.text(max_size=10))
def test_any_path(wire: Wire, route: RestRoute, value: str) -> None:
    body = json.dumps(VALID[route.url]).encode() if route.body is not Nothing else None
    place = quote(value, safe="%", errors="replace")
    wire.check(route.method, route.url.format(seq=place, number=place, id=place), body)


@MANY
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    path=st.text(max_size=20) | st.sampled_from([route.url for route in ROUTES]),
)
def test_any_method_on_any_path(wire: Wire, method: str, path: str) -> None:
    if "wait" not in path:
        wire.check(method, "/api/" + quote(path.removeprefix("/api/"), safe="/%.", errors="replace"))
