"""What callers have in hand: frameworks' phone numbers, numpy's integers, lazy texts, through both faces."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections import UserString
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import numpy as np
import phonenumbers
import pytest
from attrs import define
from django.utils.functional import SimpleLazyObject, lazy
from django.utils.safestring import mark_safe
from phonenumber_field.phonenumber import PhoneNumber as DjangoNumber
from pydantic_extra_types.phone_numbers import PhoneNumber as PydanticNumber
from recipients import numbers

from ippanel_sms import AsyncIPPanel, CountrySegment, IPPanel, PostalCodeSegment, Slice
from najva_sms import AsyncNajva, Najva
from sepahan_sms import AsyncSepahan, Sepahan
from smscore import ConfigurationError, InvalidNumber, InvalidRequest, Message, RetryPolicy, Timeouts, count_parts
from smscore.sandbox import Sandbox
from smscore.statuses import checked_ids

KINDS = {"sepahan": (AsyncSepahan, Sepahan), "ippanel": (AsyncIPPanel, IPPanel), "najva": (AsyncNajva, Najva)}
SENDERS = {"sepahan": "50003300", "ippanel": "+983000505", "najva": "90000123"}
NUMBER = "+989123456789"
TEXT = "سلام"


@define
class Face:
    """A client of either face, called alike; what is blocking is called in this very thread."""

    box: Sandbox
    name: str
    client: Any

    async def __call__(self, method: str, *args: Any, **options: Any) -> Any:
        result = getattr(self.client, method)(*args, **options)
        if inspect.isasyncgen(result):
            return [item async for item in result]
        if inspect.isgenerator(result) or (hasattr(result, "throw") and not inspect.isawaitable(result)):
            return list(result)
        return await result if inspect.isawaitable(result) else result

    @property
    def sent(self) -> list[tuple[str, str]]:
        return [(message.recipient, message.text) for message in self.box.messages]


@pytest.fixture
def box() -> Any:
    with Sandbox() as box:
        yield box


@pytest.fixture
async def face(request: pytest.FixtureRequest, box: Sandbox) -> AsyncIterator[Face]:
    name, kind = request.param
    client = kind("token", sender=SENDERS[name], base_url=box.url(name))
    # A blocking client in a loop warns, rightly; here nothing else runs in it.
    yield Face(box, name, client)
    await (client.aclose() if hasattr(client, "aclose") else asyncio.to_thread(client.close))


def faces_of(*names: str) -> pytest.MarkDecorator:
    chosen = [(name, kind) for name in names for kind in KINDS[name]]
    return pytest.mark.parametrize("face", chosen, indirect=True, ids=[kind.__name__ for _, kind in chosen])


every_face = faces_of(*KINDS)
pytestmark = [
    pytest.mark.usefixtures("django_settings"),  # Django's phone numbers read them
    pytest.mark.filterwarnings("ignore:A blocking client was called inside a running event loop:RuntimeWarning"),
]

OBJECTS: dict[str, Callable[[], object]] = {
    "phonenumbers": lambda: phonenumbers.parse("0912 345 6789", "IR"),
    "django": lambda: DjangoNumber.from_string("0912 345 6789", region="IR"),
    "pydantic": lambda: PydanticNumber("tel:+98-912-345-6789"),
    "lazy object": lambda: SimpleLazyObject(lambda: phonenumbers.parse("+989123456789")),
    "lazy text": lambda: lazy(lambda: "0912 345 6789", str)(),
    "float": lambda: 9123456789.0,
    "numpy integer": lambda: np.int64(9123456789),
    "numpy array of no dimension": lambda: np.array(989123456789),
    "Decimal": lambda: Decimal("9123456789.00"),
    "UserString": lambda: UserString("0912 345 6789"),
}

# One recipient


@every_face
@pytest.mark.parametrize("name", OBJECTS)
async def test_one_object_is_one_recipient(face: Face, name: str) -> None:
    report = await face("send", OBJECTS[name](), TEXT)
    assert [result.recipient for result in report] == [NUMBER]
    (stretch,) = await face("send_stream", OBJECTS[name](), TEXT)
    assert [result.recipient for result in stretch] == [NUMBER]
    assert face.sent == [(NUMBER, TEXT)] * 2


@every_face
async def test_objects_of_all_kinds_are_recipients_of_one_list(face: Face) -> None:
    given = [make() for make in OBJECTS.values()]
    report = await face("send", given, TEXT)
    assert [result.recipient for result in report] == [NUMBER] * len(given)
    messages = [Message(one, TEXT, ref=place) for place, one in enumerate(given)] + [(one, TEXT) for one in given]
    paired = await face("send_p2p", messages)
    assert [result.recipient for result in paired] == [NUMBER] * len(messages)
    (stretch,) = await face("send_p2p_stream", messages)
    assert [result.ref for result in stretch] == [*range(len(given)), *[None] * len(given)]
    assert set(face.sent) == {(NUMBER, TEXT)}
    assert len(face.sent) == 5 * len(given)


@faces_of("ippanel")
async def test_objects_are_recipients_of_patterns_calls_and_segments(face: Face) -> None:
    face.box.set_pattern("ippanel", "code", "Hi %name%")
    for make in OBJECTS.values():
        pattern = await face("send_pattern", make(), "code", {"name": "x"})
        call = await face("send_votp", make(), "1234")
        assert [result.recipient for result in [*pattern, *call]] == [NUMBER] * 2
    segment = CountrySegment(pre=912, province_id=8, mci=Slice(0, 1))
    await face("send_country", segment, TEXT, other_recipients=OBJECTS["phonenumbers"]())
    assert (NUMBER, TEXT) in face.sent


@every_face
@pytest.mark.parametrize(
    "to",
    [
        phonenumbers.parse("+98 912 345 6789 ext. 5"),
        phonenumbers.parse("+7 912 345 6789"),
        phonenumbers.PhoneNumber(),
        np.float32(9123456789),
        float("nan"),
        float("inf"),
        True,
        np.bool_(True),
        np.array(9123456789.0),
        Decimal("NaN"),
        None,
        object(),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_one_object_that_is_not_a_number_reaches_nobody(face: Face, to: object) -> None:
    with pytest.raises(InvalidRequest):
        await face("send", to, TEXT)
    with pytest.raises(InvalidNumber) as caught:
        await face("send", ["09123456789", to], TEXT)
    assert [place for place, _ in caught.value.numbers] == [1]
    assert face.sent == []


@every_face
async def test_a_report_tells_of_the_number_that_an_object_held(face: Face) -> None:
    number = phonenumbers.parse("+989123456789")
    report = await face("send", [number, "09123456780"], TEXT)
    paired = await face("send_p2p", [(number, TEXT)])
    number.national_number = 9350000000
    assert [result.recipient for result in [*report, *paired]] == [NUMBER, "+989123456780", NUMBER]


# Lazy texts


class Language(threading.local):
    name = "en"


LANGUAGE = Language()
GREETINGS = {"en": "Hello", "fa": "سلام"}


class Made:
    """Where a text was made, and how often."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []

    def __call__(self) -> str:
        self.threads.append(threading.current_thread())
        return GREETINGS[LANGUAGE.name]


class Proxy:
    """A lazy text as Flask-Babel's and others' are: whatever is asked of it is asked of the text."""

    def __init__(self, make: Callable[[], str]) -> None:
        self._make = make

    def __getattr__(self, name: str) -> Any:
        return getattr(self._make(), name)

    def __str__(self) -> str:
        return self._make()


LAZY: dict[str, Callable[[Made], Any]] = {
    "django": lambda made: lazy(made, str)(),
    "simple lazy object": SimpleLazyObject,
    "proxy": Proxy,
}
every_lazy = pytest.mark.parametrize("kind", LAZY)


@pytest.fixture
def persian(monkeypatch: pytest.MonkeyPatch) -> None:
    """This thread speaks Persian; the loop's thread does not."""
    monkeypatch.setattr(LANGUAGE, "name", "fa")


@every_face
@every_lazy
@pytest.mark.usefixtures("persian")
async def test_a_lazy_text_is_made_once_where_the_caller_is(face: Face, kind: str) -> None:
    made = Made()
    await face("send", numbers(150), LAZY[kind](made))
    assert {text for _, text in face.sent} == {"سلام"}
    assert made.threads == [threading.current_thread()]


@every_face
@every_lazy
@pytest.mark.usefixtures("persian")
async def test_a_lazy_text_of_a_stream_is_made_once_where_the_caller_is(face: Face, kind: str) -> None:
    made = Made()
    await face("send_stream", numbers(150), LAZY[kind](made))
    assert {text for _, text in face.sent} == {"سلام"}
    assert made.threads == [threading.current_thread()]


@every_face
@every_lazy
@pytest.mark.usefixtures("persian")
@pytest.mark.parametrize("method", ["send_p2p", "send_p2p_stream"])
async def test_lazy_texts_of_messages_are_made_once_where_the_caller_is(face: Face, kind: str, method: str) -> None:
    made = Made()
    first, second, third = numbers(3)
    text = LAZY[kind]
    await face(method, [(first, text(made)), Message(second, text(made)), [third, text(made)]])
    assert [text for _, text in face.sent] == ["سلام"] * 3
    assert made.threads == [threading.current_thread()] * 3


@faces_of("ippanel")
@every_lazy
@pytest.mark.usefixtures("persian")
async def test_lazy_values_of_patterns_segments_and_prices_are_made_where_the_caller_is(face: Face, kind: str) -> None:
    made, code = Made(), Made()
    text = LAZY[kind]
    segment = CountrySegment(pre=912, province_id=8, mci=Slice(0, 1))
    face.box.set_pattern("ippanel", "code", "%name%!")
    await face("send_pattern", NUMBER, "code", {"name": text(made)})
    assert face.sent == [(NUMBER, "سلام!")]
    await face("send_country", segment, text(made))
    await face("send_postal_code", PostalCodeSegment(postal_code=1234, mci=Slice(0, 1)), text(made))
    await face("outbox", text=text(made))
    assert (await face("price", text(made))).parts == 1
    assert made.threads == [threading.current_thread()] * 5
    await face("send_votp", NUMBER, text(lambda: code() and "1234"))
    assert code.threads == [threading.current_thread()]


@every_lazy
def test_the_parts_of_a_lazy_text_are_counted(kind: str) -> None:
    assert count_parts(LAZY[kind](Made())) == count_parts("Hello")


@every_face
@pytest.mark.parametrize("text", [mark_safe("<b>سلام</b>"), UserString("<b>سلام</b>")])
async def test_a_text_that_is_more_than_a_str_goes_out_as_one(face: Face, text: Any) -> None:
    await face("send", NUMBER, text)
    await face("send_p2p", [(NUMBER, text)])
    assert face.sent == [(NUMBER, "<b>سلام</b>")] * 2


@every_face
@pytest.mark.parametrize("text", [lazy(lambda: "", str)(), lazy(lambda: 5, int)(), object(), 5, np.str_(" ")])
async def test_a_lazy_text_that_is_empty_or_none_reaches_nobody(face: Face, text: Any) -> None:
    with pytest.raises(InvalidRequest):
        await face("send", NUMBER, text)
    with pytest.raises(InvalidRequest):
        await face("send_p2p", [("09123456780", TEXT), (NUMBER, text)])
    assert face.sent == []


# Whole numbers


@faces_of("sepahan", "najva")
async def test_ids_of_a_table_are_message_ids(face: Face) -> None:
    report = await face("send", numbers(3), TEXT)
    ids = np.array(report.message_ids)
    assert ids.dtype == np.int64
    for given in (ids, list(ids), iter(ids), ids.astype(np.uint64)):
        found = await face("status", given)
        assert [status.message_id for status in found] == report.message_ids
        assert {type(status.message_id) for status in found} == {int}


@faces_of("sepahan", "najva")
@pytest.mark.parametrize(
    "ids",
    [
        np.array([1.0]),
        np.array([True]),
        np.array(["1"]),
        np.array(5),
        np.array(5.0),
        np.array([[1, 2]]),
        np.array([2**64 - 1], np.uint64),
        [1, np.float64(2)],
    ],
    ids=repr,
)
async def test_ids_that_are_not_exact_are_refused(face: Face, ids: object) -> None:
    with pytest.raises(InvalidRequest):
        await face("status", ids)


def test_the_position_of_an_invalid_id_is_reported() -> None:
    with pytest.raises(InvalidRequest, match="position 12:"):
        checked_ids([np.int64(1), 2, 3.0], 10)


@faces_of("najva")
async def test_numpys_integers_ask_for_a_page_of_najvas(face: Face) -> None:
    await face("send", numbers(3), TEXT)
    page = await face("outbox", page=np.int64(1), page_size=np.int32(2))
    assert (page.page, len(page.messages)) == (1, 1)
    with pytest.raises(InvalidRequest):
        await face("outbox", page=np.float64(1))


@faces_of("sepahan")
async def test_numpys_integers_limit_what_is_received(face: Face) -> None:
    face.box.feed("sepahan", sender="09123456789", number="50003300", text="1")
    face.box.feed("sepahan", sender="09123456789", number="50003300", text="2")
    assert len(await face("receive", limit=np.int64(1))) == 1
    for limit in (np.float64(1), True, "1"):
        with pytest.raises(InvalidRequest):
            await face("receive", limit=limit)


@faces_of("ippanel")
async def test_numpys_integers_are_ids_places_and_values_of_ippanels(face: Face) -> None:
    one = np.int64
    segment = CountrySegment(pre=one(912), province_id=one(8), gender=one(1), mci=Slice(one(0), one(3)))
    face.box.set_pattern("ippanel", "code", "%amount%")
    receipt = await face("send_country", segment, TEXT)
    [message_id] = receipt.message_ids
    assert (await face("outbox_message", one(message_id))).message_id == message_id
    assert (await face("outbox", page=one(1), message_id=one(message_id), state=one(6))).total is not None
    await face("send_pattern", NUMBER, "code", {"amount": one(1500)})
    for wrong in (np.float64(message_id), np.bool_(True)):
        with pytest.raises(InvalidRequest):
            await face("outbox_message", wrong)
    with pytest.raises(InvalidRequest):
        await face("send_country", CountrySegment(pre=912.0, province_id=True, mci=Slice(0, 1)), TEXT)  # type: ignore[arg-type]


def test_numpys_numbers_are_settings() -> None:
    client = AsyncSepahan("t", max_concurrency=np.int64(2), batch_size=np.int64(50), timeout=np.float32(5))
    assert client._settings.max_concurrency == 2
    assert (RetryPolicy(attempts=np.int64(2)).attempts, Timeouts(read=np.int64(3)).read) == (2, 3)
    for wrong in (np.float64(2), np.bool_(True), "2"):
        with pytest.raises(ConfigurationError):
            AsyncSepahan("t", max_concurrency=wrong)
