"""Bytes to models and back: strict, two ways that agree, and errors that name a path and quote nothing."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import msgspec
import pytest
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st

from smscore.wire import codec
from smscore.wire.codec import DecodeError, Row

W = TypeVar("W", bound=str)


@frozen
class Inner:
    """Something inside."""

    id: int
    name: str | None = None


@frozen
class Model:
    """A model that msgspec reads by itself."""

    count: int
    flag: bool
    text: str
    ids: list[int] = field(factory=list)
    inner: Inner | None = None
    rows: list[Inner] = field(factory=list)
    maybe: int | None = None


@frozen
class Aliased:
    """The same with an alias, which cattrs reads."""

    count: int = field(alias="how_many")
    flag: bool
    text: str
    ids: list[int] = field(factory=list)
    inner: Inner | None = None
    rows: list[Inner] = field(factory=list)
    maybe: int | None = None


@frozen
class Converted:
    """A model with a converter."""

    text: str = field(converter=str.strip)


BOTH = pytest.mark.parametrize("model", [Model, Aliased])
GOOD: dict[str, Any] = {"count": 1, "flag": True, "text": "سلام"}


def encoded(**changes: Any) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


# Strictness


@BOTH
def test_a_value_of_the_right_types_is_read(model: Any) -> None:
    inner = {"id": 2**62, "name": "x"}
    found = codec.decode(encoded(ids=[1, -2], inner=inner, rows=[inner, {"id": 1}], unknown={"key": 1}), model)
    assert (found.count, found.flag, found.text, found.ids) == (1, True, "سلام", [1, -2])
    assert found.inner == Inner(2**62, "x")
    assert found.rows == [Inner(2**62, "x"), Inner(1)]
    assert found.maybe is None


@BOTH
@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"count": "1"}, "count"),
        ({"count": 1.0}, "count"),
        ({"count": True}, "count"),
        ({"count": None}, "count"),
        ({"count": [1]}, "count"),
        ({"count": {}}, "count"),
        ({"flag": 1}, "flag"),
        ({"flag": "false"}, "flag"),
        ({"flag": None}, "flag"),
        ({"text": None}, "text"),
        ({"text": 5}, "text"),
        ({"text": ["a"]}, "text"),
        ({"ids": None}, "ids"),
        ({"ids": "123"}, "ids"),
        ({"ids": {"1": 1}}, "ids"),
        ({"ids": [1, "2"]}, "ids"),
        ({"ids": [1, 2.0]}, "ids"),
        ({"inner": []}, "inner"),
        ({"inner": "x"}, "inner"),
        ({"inner": {}}, "inner"),
        ({"inner": {"id": "1"}}, "inner.id"),
        ({"inner": {"id": 1, "name": 5}}, "inner.name"),
        ({"rows": {}}, "rows"),
        ({"rows": [{"id": 1}, {"id": None}]}, "rows[1].id"),
        ({"rows": [None]}, "rows[0]"),
        ({"maybe": "5"}, "maybe"),
        ({"maybe": True}, "maybe"),
    ],
)
def test_a_wrong_type_is_an_error_that_names_its_path(model: Any, change: dict[str, Any], path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        codec.decode(encoded(**change), model)
    assert path in str(caught.value)


@BOTH
@pytest.mark.parametrize("name", ["count", "flag", "text"])
def test_a_missing_field_is_named(model: Any, name: str) -> None:
    body = {key: value for key, value in GOOD.items() if key != name}
    with pytest.raises(DecodeError, match=name):
        codec.decode(json.dumps(body).encode(), model)


@BOTH
@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b"5", b"true", b"[[1]]", b"{}", b'[{"count": 1}]'])
def test_another_kind_of_value_is_an_error(model: Any, body: bytes) -> None:
    with pytest.raises(DecodeError):
        codec.decode(body, model)


@pytest.mark.parametrize("model", [Model, Aliased, Any, int, str, dict[str, Any], list[int]])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"<html><body>secret</body></html>",
        b'{"count": NaN}',
        b"NaN",
        b"Infinity",
        b"{'count': 1}",
        b'{"count": 1} {"count": 1}',
        b'{"count": 1,}',
        b'{"text": "\xff\xfe secret"}',
        b'"\xff"',
        b'{"text": "\\ud800"}',
        b"\xef\xbb\xbf{}",
        b"01",
        b"[" * 200_000,
        b"[" * 200_000 + b"]" * 200_000,
        b'{"a":' * 200_000 + b"1" + b"}" * 200_000,
        "{}".encode("utf-16"),
    ],
    ids=lambda value: repr(value)[:24] if isinstance(value, bytes) else None,
)
def test_invalid_json_is_an_error_and_nothing_else(body: bytes, model: Any) -> None:
    with pytest.raises(DecodeError) as caught:
        codec.decode(body, model)
    assert "secret" not in str(caught.value)


@pytest.fixture
def failed_finalizers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """What went wrong in a finalizer that takes twenty frames, with a garbage collector that comes by all the time."""

    def finalizer(phase: str, info: object, depth: int = 20) -> None:
        if depth:
            finalizer(phase, info, depth - 1)

    failed: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", failed.append)
    usual = gc.get_threshold()
    gc.callbacks.append(finalizer)
    gc.set_threshold(10)
    yield failed
    gc.set_threshold(*usual)
    gc.callbacks.remove(finalizer)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'["[", '])
@pytest.mark.parametrize("reader", [codec.read_loosely, codec.read, codec.decode])
@pytest.mark.parametrize("model", [Any, Model, Aliased])
def test_finalizers_have_room_on_the_stack_while_nested_json_is_read(
    failed_finalizers: list[object], reader: Callable[[bytes, Any], object], model: Any, opening: bytes
) -> None:
    with pytest.raises(DecodeError):
        reader(opening * 200_000, model)
    assert failed_finalizers == []


def test_brackets_in_texts_and_side_by_side_are_not_nesting() -> None:
    body = [["]" * 10, "[" * 1_000, '"[' * 1_000, {"{": []}]] * 1_000
    assert codec.read_loosely(json.dumps(body).encode(), list[Any]) == body


@BOTH
def test_of_a_repeated_key_the_last_value_counts(model: Any) -> None:
    body = b'{"count": 1, "flag": true, "text": "a", "count": 2}'
    assert codec.decode(body, model).count == 2


@BOTH
@pytest.mark.parametrize("number", [2**53 + 1, 2**63 - 1, 2**64 + 1, -(2**63), 639027944154527200])
def test_large_whole_numbers_keep_every_digit(model: Any, number: int) -> None:
    assert codec.decode(encoded(count=number), model).count == number


# What errors hold


@BOTH
@pytest.mark.parametrize(
    "change",
    [
        {"count": "0912-secret"},
        {"ids": ["0912-secret"]},
        {"ids": "0912-secret"},
        {"inner": "0912-secret"},
        {"inner": {"id": "0912-secret"}},
        {"rows": [{"id": 1}, {"id": {"0912-secret": "0912-secret"}}]},
        {"flag": "0912-secret", "count": {"0912-secret": 1}},
    ],
)
def test_errors_hold_nothing_of_the_content(model: Any, change: dict[str, Any]) -> None:
    with pytest.raises(DecodeError) as caught:
        codec.decode(encoded(**change), model)
    assert "secret" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


# The two ways


any_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "name", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
nearly_good = st.fixed_dictionaries(
    {"count": st.integers() | any_json, "flag": st.booleans() | any_json, "text": st.text() | any_json},
    optional={
        "ids": st.lists(st.integers()) | any_json,
        "inner": st.builds(lambda id_, name: {"id": id_, "name": name}, st.integers(), st.none() | st.text())
        | any_json,
        "rows": st.lists(st.builds(lambda id_: {"id": id_}, st.integers()) | any_json, max_size=3) | any_json,
        "maybe": any_json,
    },
)


@given(st.one_of(nearly_good, any_json))
def test_msgspec_and_cattrs_read_alike(value: Any) -> None:
    body = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    found = []
    for model in (Model, Aliased):
        try:
            read = codec.decode(body, model)
        except DecodeError:
            found.append(None)
        else:
            found.append([getattr(read, name) for name in ("count", "flag", "text", "ids", "inner", "rows", "maybe")])
    assert found[0] == found[1]
    assert json.dumps(found[0], default=repr) == json.dumps(found[1], default=repr)


@given(st.binary(max_size=40))
def test_no_bytes_raise_anything_but_a_decode_error(body: bytes) -> None:
    for model in (Model, Aliased):
        with pytest.raises(DecodeError):
            codec.decode(body, model)


def test_converters_are_applied() -> None:
    assert codec.decode(b'{"text": " a "}', Converted).text == "a"
    with pytest.raises(DecodeError, match="text"):
        codec.decode(b'{"text": 5}', Converted)


# Rows


@BOTH
def test_rows_keep_the_good_ones_beside_the_bad(model: Any) -> None:
    body = json.dumps([GOOD, {**GOOD, "count": "secret"}, None, {**GOOD, "count": 3}]).encode()
    first, second, third, fourth = codec.rows(body, model)
    assert (first.count, fourth.count) == (1, 3)
    assert isinstance(second, DecodeError)
    assert isinstance(third, DecodeError)
    assert "secret" not in str(second)


@BOTH
@pytest.mark.parametrize("body", [b"{}", b"null", b"5", b"[", b'[{"count": 1}'])
def test_rows_must_be_an_array(model: Any, body: bytes) -> None:
    with pytest.raises(DecodeError):
        codec.rows(body, model)


def test_rows_of_an_empty_array_are_none() -> None:
    assert codec.rows(b"[]", Model) == []


# Encoding


def test_encoding_leaves_out_none_and_keeps_persian_as_it_is() -> None:
    assert codec.encode(Inner(5)) == b'{"id":5}'
    assert codec.encode(Inner(5, "سلام")) == '{"id":5,"name":"سلام"}'.encode()


def test_encoding_leaves_out_none_inside_too() -> None:
    body = codec.encode(Model(1, True, "x", inner=Inner(2), rows=[Inner(3), Inner(4, "ب")]))
    assert json.loads(body) == {
        "count": 1,
        "flag": True,
        "text": "x",
        "inner": {"id": 2},
        "rows": [{"id": 3}, {"id": 4, "name": "ب"}],
    }


@pytest.mark.parametrize("value", [[1, 2, 2**64 + 1], [], {"messageids": [1]}, "متن"])
def test_plain_values_are_encoded_as_they_are(value: object) -> None:
    assert json.loads(codec.encode(value)) == value


@given(st.integers(), st.booleans(), st.text(), st.lists(st.integers()))
def test_what_is_encoded_reads_back(count: int, flag: bool, text: str, ids: list[int]) -> None:
    model = Model(count, flag, text, ids)
    assert codec.decode(codec.encode(model), Model) == model


# Texts that recur


class Word(Row, Generic[W], frozen=True):
    """A row whose word is one of a few."""

    place: int
    word: W | None = None


def word_list(words: Any) -> Any:
    return list[Word[words]]  # a runtime alias


def decoder(model: Callable[[Any], Any] = word_list) -> codec.RecurringTexts[list[Word[str]]]:
    return codec.RecurringTexts("word", model, list)


def with_words(words: list[str | None]) -> bytes:
    return json.dumps([{"place": place, "word": word} for place, word in enumerate(words)]).encode()


def test_a_text_that_recurs_is_one_object_in_all_answers_after_the_first() -> None:
    words, body = decoder(), with_words(["رسیده", None, "", "رسیده"])
    words.decode(body)
    first, _, _, last = words.decode(body)
    assert first.word is last.word is words.decode(body)[0].word


@given(st.lists(st.lists(st.sampled_from(["a", "b", "", None, "long" * 30]) | st.text(max_size=2), max_size=40)))
def test_texts_are_the_same_whether_they_recur_or_not(answers: list[list[str | None]]) -> None:
    words = decoder()
    for number, answer in enumerate(answers):
        assert [row.word for row in words.decode(with_words(answer))] == answer, number


@pytest.mark.parametrize("texts", [[f"at {number}" for number in range(40)], ["long" * 30]])
def test_texts_that_do_not_recur_are_not_kept(texts: list[str]) -> None:
    models: list[object] = []

    def model(words: Any) -> Any:
        models.append(words)
        return word_list(words)

    words = decoder(model)
    words.decode(with_words([*texts]))
    known = len(models)
    words.decode(with_words(["another"]))
    assert len(models) == known


def test_one_thread_at_a_time_makes_a_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    # Two that find out the same struct at once crash the process, in some turns of the threads and not in others.
    at_work = most = 0
    make = msgspec.json.Decoder

    def slowly(model: Any) -> Any:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        time.sleep(0.01)
        at_work -= 1
        return make(model)

    monkeypatch.setattr(msgspec.json, "Decoder", slowly)
    start = threading.Barrier(8)

    def read(number: int) -> list[Word[str]]:
        start.wait()
        return codec.decode(with_words(["a"]), word_list(Literal["a", f"{number}"]))

    with ThreadPoolExecutor(8) as pool:
        assert [row[0].word for row in pool.map(read, range(8))] == ["a"] * 8
    assert most == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are of POSIX")
def test_a_child_that_was_forked_while_a_thread_made_a_decoder_does_not_wait_for_that_thread(tmp_path: Path) -> None:
    script = """
        import msgspec, os, threading, time
        from smscore.wire import codec
        make, begun = msgspec.json.Decoder, threading.Event()
        def slowly(model):
            begun.set()
            time.sleep(0.5)
            return make(model)
        msgspec.json.Decoder = slowly
        threading.Thread(target=codec.decode, args=(b"[1]", list[int])).start()
        begun.wait()
        child = os.fork()
        print(codec.decode(b"[2]", list[float if child else int]), flush=True)
        if child:
            os.waitpid(child, 0)
    """
    path = tmp_path / "forked.py"
    path.write_text(textwrap.dedent(script))
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=60)
    assert sorted(done.stdout.split()) == ["[2.0]", "[2]"], done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks are of POSIX")
def test_a_fork_that_waits_for_an_import_lets_it_make_its_decoders(tmp_path: Path) -> None:
    script = """
        import os, sys, threading, time, types
        from smscore.loops import forks
        from smscore.wire import codec
        forks._PATIENCE = 600.0
        half = sys.modules["smscore.half"] = types.ModuleType("smscore.half")
        half.__spec__ = types.SimpleNamespace(_initializing=True)
        begun = threading.Event()
        def import_it():
            begun.set()
            time.sleep(0.3)
            codec.decode(b"[1]", list[int])
            half.__spec__._initializing = False
        threading.Thread(target=import_it).start()
        begun.wait()
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            print("forked")
    """
    path = tmp_path / "forked.py"
    path.write_text(textwrap.dedent(script))
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=60)
    assert done.stdout == "forked\n", done.stderr


@pytest.mark.parametrize("body", [b"", b'[{"place": "1", "word": "a"}]', b'[{"place": 1, "word": 2}]'])
def test_an_answer_that_does_not_match_is_an_error_for_recurring_texts_too(body: bytes) -> None:
    with pytest.raises(DecodeError):
        decoder().decode(body)


# Numbers, and yes or no, as providers like to write them


@pytest.mark.parametrize(
    ("value", "flag"),
    [
        *[(value, True) for value in (True, 1, "1", 1.0)],
        *[(value, False) for value in (False, 0, "0", 0.0)],
        *[(value, None) for value in (None, 2, "yes", "true", "", -1, [], {}, 0.5)],
    ],
)
def test_a_yes_or_no_is_read_in_any_spelling(value: object, flag: bool | None) -> None:
    assert codec.flag(value) is flag


def test_the_usual_answer_is_read_in_one_pass() -> None:
    body = json.dumps(GOOD | {"new": "field"}).encode()
    assert codec.decode_fast(body, Model) == Model(1, True, "سلام")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        json.dumps(GOOD | {"count": "1"}).encode(),
        b"\xef\xbb\xbf" + json.dumps(GOOD).encode(),
        json.dumps(GOOD | {"new": "?"}).encode().replace(b"?", b"\xff"),
    ],
)
def test_any_other_is_left_to_be_read_piece_by_piece(body: bytes) -> None:
    assert codec.decode_fast(body, Model) is None
