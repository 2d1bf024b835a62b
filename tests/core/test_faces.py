"""The public face: what the async and the blocking clients offer, that they offer the same, and what imports what."""

import ast
import datetime as dt
import inspect
import pydoc
import subprocess
import sys
import types
import typing
from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest

import ippanel_sms
import najva_sms
import sepahan_sms
import smscore
from ippanel_sms import AsyncIPPanel, BulkReceipt, IPPanel
from najva_sms import AsyncNajva, Najva, OutboxPage
from sepahan_sms import AsyncSepahan, Sepahan
from smscore import Delivery, InboundMessage, MessageStatus, Polling, SendReport
from smscore.blocking import BlockingClient
from smscore.client import AsyncClient
from smscore.tracking.blocking import Tracker
from smscore.tracking.tracker import AsyncTracker

FACES = {"sepahan": (AsyncSepahan, Sepahan), "ippanel": (AsyncIPPanel, IPPanel), "najva": (AsyncNajva, Najva)}
PACKAGES = ["smscore", "sepahan_sms", "ippanel_sms", "najva_sms"]
ROOT = Path(__file__).parents[2]
STREAM = "a stream of reports"
TRACKER = "a tracker"
ITEMS = "an iterator over all pages"
NEEDED = inspect.Parameter.empty

# On every client whose provider reports deliveries.
DELIVERIES: dict[str, tuple[list[str], dict[str, Any], Any]] = {
    "deliveries": (["results"], {}, list[Delivery]),
    "track": (["results"], {"timeout": None, "polling": Polling()}, (ITEMS, Delivery)),
    "wait_delivered": (["results"], {"timeout": None, "polling": Polling()}, list[Delivery]),
    "tracker": ([], {"polling": Polling()}, TRACKER),
}

# The fixed face: positional parameters, keyword-only ones with their defaults, and what comes back.
METHODS: dict[str, dict[str, tuple[list[str], dict[str, Any], Any]]] = {
    "sepahan": {
        "send": (["to", "text"], {"sender": None, "request_id": None, "on_batch": None}, SendReport),
        "send_p2p": (["messages"], {"sender": None, "request_id": None, "on_batch": None}, SendReport),
        "send_stream": (["to", "text"], {"sender": None, "on_batch": None}, STREAM),
        "send_p2p_stream": (["messages"], {"sender": None, "on_batch": None}, STREAM),
        "check_request_id": (["request_id"], {}, bool),
        **DELIVERIES,
        "status": (["message_ids"], {}, list[MessageStatus]),
        "old_status": (["message_ids"], {}, list[MessageStatus]),
        "credit": ([], {}, int),
        "incoming": ([], {"after": None}, (ITEMS, InboundMessage)),
        "receive": (
            [],
            {"number": None, "since": None, "limit": 100, "mark_as_read": True},
            list[InboundMessage],
        ),
    },
    "najva": {
        "send": (["to", "text"], {"sender": None, "file_id": None, "on_batch": None}, SendReport),
        "send_p2p": (["messages"], {"sender": None, "file_id": None, "on_batch": None}, SendReport),
        "send_stream": (["to", "text"], {"sender": None, "file_id": None, "on_batch": None}, STREAM),
        "send_p2p_stream": (["messages"], {"sender": None, "file_id": None, "on_batch": None}, STREAM),
        "send_pattern": (["to", "template", "params"], {"sender": None, "on_batch": None}, SendReport),
        "upload_file": (["file"], {"filename": None}, str),
        **DELIVERIES,
        "status": (["message_ids"], {}, list[MessageStatus]),
        "outbox": ([], {"page": 0, "page_size": 200}, OutboxPage),
    },
    "ippanel": {
        "send": (["to", "text"], {"sender": None, "send_time": None, "on_batch": None}, SendReport),
        "send_stream": (["to", "text"], {"sender": None, "send_time": None, "on_batch": None}, STREAM),
        "send_p2p": (["messages"], {"sender": None, "send_time": None, "on_batch": None}, SendReport),
        "send_p2p_stream": (["messages"], {"sender": None, "send_time": None, "on_batch": None}, STREAM),
        "send_pattern": (["to", "code", "params"], {"sender": None, "on_batch": None}, SendReport),
        "send_votp": (["to", "code"], {"on_batch": None}, SendReport),
        "cancel": (["message_id"], {}, type(None)),
        "price": (["text"], {"sender": None}, ippanel_sms.Price),
        "credit": ([], {}, Decimal),
        "outbox": (
            [],
            {
                "page": 1,
                "page_size": 10,
                **dict.fromkeys(("message_id", "sender", "text", "state")),
                **dict.fromkeys(("created_since", "created_until", "send_since", "send_until")),
            },
            ippanel_sms.OutboxPage,
        ),
        "outbox_message": (["message_id"], {}, ippanel_sms.OutboxMessage),
        "recipients": (["message_id"], {}, (ITEMS, ippanel_sms.RecipientStatus)),
        **DELIVERIES,
        "stats": (["message_id"], {}, ippanel_sms.BulkStats),
        "incoming": ([], {"after": None}, (ITEMS, ippanel_sms.InboxMessage)),
        "inbox": ([], {"after_id": None}, (ITEMS, ippanel_sms.InboxMessage)),
        "provinces": ([], {}, list[ippanel_sms.Place]),
        "counties": (["province_id"], {}, list[ippanel_sms.Place]),
        "cities": (["county_id"], {}, list[ippanel_sms.Place]),
        "count": (["segment"], {}, ippanel_sms.SegmentCount),
        "lines": ([], {}, list[ippanel_sms.Line]),
        "account": ([], {}, ippanel_sms.Account),
        **dict.fromkeys(
            ("send_country", "send_postal_code"),
            (
                ["segments", "text"],
                {"sender": None, "other_recipients": (), "send_time": None, "on_batch": None},
                BulkReceipt,
            ),
        ),
    },
}
OPTIONS = {"timeout", "retry", "sender", "rate_limit"}
SETTINGS = {
    "token": None,
    "sender": None,
    "base_url": None,
    "batch_size": None,
    "rate_limit": None,
    "max_connections": 100,
    "proxy": None,
    "ssl": None,
    "observers": (),
}
OWN_SETTINGS = {"sepahan": {"wire"}}
EVERY_METHOD = [(provider, name) for provider, methods in METHODS.items() for name in methods]


def public_methods(kind: type) -> set[str]:
    return {name for name, value in inspect.getmembers(kind, callable) if not name.startswith("_")}


def parameters(method: Any) -> list[tuple[str, Any, Any]]:
    found = list(inspect.signature(method).parameters.values())[1:]
    return [(one.name, one.kind, one.default) for one in found]


def returned(method: Any) -> Any:
    """What a call gives in the end: an async method's result, and the same words for either kind of generator."""
    kind = typing.get_type_hints(method)["return"]
    if kind in (AsyncTracker, Tracker):
        return TRACKER
    if typing.get_origin(kind) not in (AsyncGenerator, Generator, Iterator):
        return kind
    item = typing.get_args(kind)[0]
    return STREAM if item is SendReport else (ITEMS, item)


# Both faces


@pytest.mark.parametrize("provider", FACES)
def test_both_faces_have_the_methods_of_the_public_face_and_no_more(provider: str) -> None:
    common = {*METHODS[provider], "with_options", "check", "connect"}
    asynchronous, blocking = FACES[provider]
    assert public_methods(asynchronous) == common | {"aclose"}
    assert public_methods(blocking) == common | {"close"}


@pytest.mark.parametrize("face", [0, 1])
@pytest.mark.parametrize(("provider", "name"), EVERY_METHOD)
def test_a_method_has_the_documented_parameters(provider: str, name: str, face: int) -> None:
    positional, keywords, _ = METHODS[provider][name]
    expected = [(each, inspect.Parameter.POSITIONAL_OR_KEYWORD, NEEDED) for each in positional]
    expected += [(each, inspect.Parameter.KEYWORD_ONLY, default) for each, default in keywords.items()]
    assert parameters(getattr(FACES[provider][face], name)) == expected


@pytest.mark.parametrize("face", [0, 1])
@pytest.mark.parametrize(("provider", "name"), EVERY_METHOD)
def test_a_method_gives_what_is_documented(provider: str, name: str, face: int) -> None:
    method, given = getattr(FACES[provider][face], name), METHODS[provider][name][2]
    assert returned(method) == given
    is_iterator = given in (STREAM, TRACKER) or isinstance(given, tuple)
    assert inspect.iscoroutinefunction(method) is (face == 0 and not is_iterator)


@pytest.mark.parametrize(("provider", "name"), [*EVERY_METHOD, *[(provider, "with_options") for provider in FACES]])
def test_both_faces_say_the_same_of_a_method(provider: str, name: str) -> None:
    asynchronous, blocking = (getattr(face, name) for face in FACES[provider])
    assert inspect.getdoc(asynchronous)
    assert inspect.getdoc(blocking) == inspect.getdoc(asynchronous)
    assert parameters(blocking) == parameters(asynchronous)


@pytest.mark.parametrize(("provider", "name"), EVERY_METHOD)
def test_both_faces_take_the_same_types(provider: str, name: str) -> None:
    asynchronous, blocking = (typing.get_type_hints(getattr(face, name)) for face in FACES[provider])
    more = {kind for name in blocking if name != "return" for kind in kinds(asynchronous[name]) - kinds(blocking[name])}
    # An async stream takes async iterables besides.
    expected = [AsyncIterable] if METHODS[provider][name][2] is STREAM else []
    assert [typing.get_origin(kind) for kind in more] == expected


def kinds(annotation: Any) -> set[Any]:
    """The members of a union, or the one type."""
    is_union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    return set(typing.get_args(annotation)) if is_union else {annotation}


@pytest.mark.parametrize("provider", FACES)
def test_both_faces_are_made_with_the_same_settings(provider: str) -> None:
    asynchronous, blocking = (parameters(face.__init__) for face in FACES[provider])
    session = ("session", inspect.Parameter.KEYWORD_ONLY, None)
    assert [one for one in asynchronous if one != session] == blocking
    assert session in asynchronous
    defaults = {name: default for name, _, default in blocking}
    assert set(defaults) == {*SETTINGS, *OWN_SETTINGS.get(provider, ()), "timeout", "retry", "max_concurrency"}
    assert SETTINGS.items() <= defaults.items()
    assert [name for name, kind, _ in blocking if kind is inspect.Parameter.POSITIONAL_OR_KEYWORD] == ["token"]


@pytest.mark.parametrize("provider", FACES)
def test_the_defaults_bound_every_request(provider: str) -> None:
    defaults = {name: default for name, _, default in parameters(FACES[provider][0].__init__)}
    timeouts = defaults["timeout"]
    assert all(each and each > 0 for each in (timeouts.connect, timeouts.read, timeouts.total))
    assert timeouts.call is None
    assert defaults["retry"] == smscore.RetryPolicy(attempts=3, wait_initial=0.5, wait_max=8.0)
    assert defaults["max_concurrency"] >= 1


@pytest.mark.parametrize("provider", FACES)
def test_both_faces_have_a_docstring_and_a_context_manager_of_their_own(provider: str) -> None:
    asynchronous, blocking = FACES[provider]
    assert asynchronous.__doc__
    assert blocking.__doc__
    assert (hasattr(asynchronous, "__aenter__"), hasattr(asynchronous, "__enter__")) == (True, False)
    assert (hasattr(blocking, "__aenter__"), hasattr(blocking, "__enter__")) == (False, True)


@pytest.mark.parametrize("provider", FACES)
def test_help_on_a_client_tells_of_every_setting(provider: str) -> None:
    for client in FACES[provider]:
        told = pydoc.plain(pydoc.render_doc(client))
        settings = [name for name, _, _ in parameters(client.__init__)]
        assert [name for name in settings if f"``{name}``" not in told] == []


@pytest.mark.parametrize("name", ["__init__", "check", "connect", "with_options"])
def test_what_the_faces_share_has_the_same_docstrings(name: str) -> None:
    assert inspect.getdoc(getattr(BlockingClient, name)) == inspect.getdoc(getattr(AsyncClient, name))


@pytest.mark.parametrize("provider", FACES)
def test_check_is_a_plain_method_on_both_faces(provider: str) -> None:
    for face in FACES[provider]:
        assert not inspect.iscoroutinefunction(face.check)
        assert face("token").check() is None


@pytest.mark.parametrize("provider", FACES)
def test_with_options_takes_the_documented_ones(provider: str) -> None:
    found = parameters(FACES[provider][0].with_options)
    assert {name for name, _, _ in found} == OPTIONS
    assert {kind for _, kind, _ in found} == {inspect.Parameter.KEYWORD_ONLY}


# What the packages offer


@pytest.mark.parametrize(
    ("package", "names"),
    [
        (sepahan_sms, {"AsyncSepahan", "Sepahan", "RESELLERS_BASE_URL"}),
        (
            ippanel_sms,
            {
                *{"AsyncIPPanel", "IPPanel", "BulkReceipt", "CountrySegment", "Gender", "PostalCodeSegment", "Slice"},
                *{"Account", "BulkState", "BulkStats", "InboxMessage", "Line", "OutboxMessage", "OutboxPage", "Place"},
                *{"Price", "RecipientStatus", "SegmentCount", "TextCounts"},
            },
        ),
        (najva_sms, {"AsyncNajva", "Najva", "DeliveryReport", "OutboxMessage", "OutboxPage", "parse_webhook"}),
    ],
)
def test_a_package_offers_its_names(package: Any, names: set[str]) -> None:
    assert names <= set(package.__all__)
    assert all(getattr(package, name) is not None for name in package.__all__)


def test_the_core_offers_its_names() -> None:
    names = {"BatchEvent", "DeliveryStatus", "InboundMessage", "Message", "MessageStatus", "Outcome"}
    names |= {"RecipientResult", "RetryPolicy", "SendReport", "Timeouts", "observe"}
    assert names <= set(smscore.__all__)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (smscore.Message, ["to", "text", "sender", "ref"]),
        (smscore.InboundMessage, ["number", "sender", "text", "date", "raw"]),
        (smscore.MessageStatus, ["message_id", "code", "status", "words"]),
        (
            smscore.RecipientResult,
            [
                *["recipient", "outcome", "message_id", "error", "request_id", "ref"],
                *["provider", "code", "sent_at", "earlier"],
            ],
        ),
        (smscore.BatchEvent, ["state", "index", "request_id", "recipients", "report", "provider"]),
        (najva_sms.OutboxPage, ["total", "page", "messages"]),
        (
            najva_sms.OutboxMessage,
            ["message_id", "text", "sender", "recipient", "code", "status", "sent_at", "cost"],
        ),
        (najva_sms.DeliveryReport, ["message_id", "code", "status"]),
        (ippanel_sms.BulkReceipt, ["message_ids"]),
        (ippanel_sms.Price, ["mci", "other", "parts"]),
        (ippanel_sms.RecipientStatus, ["recipient", "code", "status", "parts"]),
        (ippanel_sms.InboxMessage, ["number", "sender", "text", "date", "raw", "message_id", "received_at"]),
        (ippanel_sms.OutboxPage, ["total", "page", "last_page", "messages"]),
        (ippanel_sms.Place, ["id", "name"]),
        (ippanel_sms.SegmentCount, ["mci", "irancell", "other"]),
        (ippanel_sms.BulkStats, ["sent", "pending", "failed", "blacklisted", "delivered"]),
        (ippanel_sms.Slice, ["start", "size"]),
        (
            ippanel_sms.CountrySegment,
            [
                *["pre", "province_id", "county_id", "city_id", "bank", "gender", "age_from", "age_to"],
                *["mci", "irancell", "other"],
            ],
        ),
        (
            ippanel_sms.PostalCodeSegment,
            ["postal_code", "bank", "gender", "age_from", "age_to", "mci", "irancell", "other"],
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_value_has_its_fields_in_order(kind: type[Any], fields: list[str]) -> None:
    names = kind.__struct_fields__ if issubclass(kind, msgspec.Struct) else [field.name for field in attrs.fields(kind)]
    assert list(names) == fields
    assert list(inspect.signature(kind).parameters) == fields


def test_the_vocabularies_are_the_documented_ones() -> None:
    assert [status.name for status in smscore.DeliveryStatus] == [
        *["QUEUED", "SCHEDULED", "SENT", "DELIVERED", "PARTIALLY_DELIVERED", "UNDELIVERED", "FAILED", "CANCELLED"],
        *["BLOCKED", "NOT_FOUND", "UNRECOGNIZED"],
    ]
    assert [outcome.name for outcome in smscore.Outcome] == ["ACCEPTED", "REJECTED", "NOT_SENT", "UNKNOWN"]
    assert [(gender.name, gender.value) for gender in ippanel_sms.Gender] == [("ALL", 0), ("MALE", 1), ("FEMALE", 2)]


def test_parse_webhook_is_a_plain_function_of_keywords() -> None:
    found = inspect.signature(najva_sms.parse_webhook).parameters.values()
    assert [(one.name, one.default) for one in found] == [("body", b""), ("query", ""), ("content_type", None)]
    assert {one.kind for one in found} == {inspect.Parameter.KEYWORD_ONLY}
    assert not inspect.iscoroutinefunction(najva_sms.parse_webhook)


# Blocking clients give what async ones do


def test_a_blocking_client_gives_the_same_results(provider_http: Any) -> None:
    url = "https://api.sepahansms.com/api/SmsReport/"
    provider_http.get(url + "credit", payload={"isSuccess": True, "value": 5, "error": None})
    provider_http.post(url + "Receive", payload={"isSuccess": True, "value": [], "error": None})
    with Sepahan("token-of-the-tests") as client:
        assert client.credit() == 5
        assert client.receive(since=dt.date(2025, 12, 31)) == []
    assert provider_http.sent[1].json["startDate"] == "1404/10/10"


def test_a_blocking_client_lists_what_the_async_one_does(provider_http: Any) -> None:
    row = {"recipient": "+989121234567", "message_status": "2"}
    provider_http.get(
        "https://edge.ippanel.com/v1/api/report/recipients?bulk_id=7&page=1&per_page=100",
        payload={"data": [row, row], "meta": {"status": True, "last_page": 1}},
    )
    with IPPanel("token-of-the-tests") as client:
        assert [one.code for one in client.recipients(7)] == [2, 2]


def test_a_blocking_stream_gives_a_report_a_batch(provider_http: Any) -> None:
    for message_id in (7, 8):
        provider_http.post(
            "https://edge.ippanel.com/v1/api/send",
            payload={"data": {"message_outbox_ids": [message_id]}, "meta": {"status": True}},
        )
    with IPPanel("token-of-the-tests", sender="+983000505", batch_size=2, max_concurrency=1) as client:
        reports = list(client.send_stream(iter(["09121234567", "09121234568", "09121234569"]), "سلام"))
    assert [(report.offset, len(report), report.message_ids) for report in reports] == [(0, 2, [7]), (2, 1, [8])]


# What imports what


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_a_package_loads_no_other_provider_and_starts_no_thread(package: str) -> None:
    script = f"import sys, threading, {package}; print(*sys.modules); print(threading.active_count())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    modules, threads = done.stdout.splitlines()
    others = set(PACKAGES) - {"smscore", package}
    assert not others & {name.partition(".")[0] for name in modules.split()}
    assert threads == "1"
    assert done.stderr == ""


def sources() -> dict[str, ast.Module]:
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8")) for path in paths}


def imported(node: ast.AST) -> Iterator[str]:
    """The modules that a piece of source imports, those for type checkers left out."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    for child in ast.iter_child_nodes(node):
        yield from imported(child)


@pytest.mark.exhaustive
def test_aiohttps_client_is_known_to_the_transport_with_its_bodies_and_to_the_sandboxs_webhook() -> None:
    server_side = {"aiohttp.web", "aiohttp.BodyPartReader"}  # the latter reads an uploaded form
    users = {
        path
        for path, tree in sources().items()
        for name in imported(tree)
        if name.partition(".")[0] == "aiohttp" and not ("sandbox" in path and name in server_side)
    }
    in_calls = {f"smscore/calls/{name}.py" for name in ("transport", "bodies", "connections", "sessions")}
    assert users == in_calls | {"smscore/sandbox/webhook.py"}


@pytest.mark.exhaustive
def test_the_core_imports_no_provider_and_no_provider_another() -> None:
    wrong = {
        (path, name)
        for path, tree in sources().items()
        for name in imported(tree)
        if name.partition(".")[0] in set(PACKAGES) - {"smscore", path.partition("/")[0]}
    }
    assert wrong == set()


@pytest.mark.exhaustive
def test_the_sandboxes_share_no_wire_code_with_the_clients() -> None:
    core = ("transport", "codec", "refusals", "client", "endpoint", "paging")
    wire = tuple(f"smscore.{module}" for module in core)
    modules = ("wire", "codes", "client", "segments", "envelope", "messages", "account", "inbox", "one_time")
    own = tuple(f"{package}.{module}" for package in PACKAGES[1:] for module in modules)
    wrong = {
        (path, name)
        for path, tree in sources().items()
        if "sandbox" in path
        for name in imported(tree)
        if name.startswith(wire + own)
    }
    assert wrong == set()
