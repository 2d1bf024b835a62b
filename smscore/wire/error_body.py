"""What an answer says of its own refusal, whatever its shape: from any JSON to a message, details and named fields.

Nothing here knows a provider. What a log or an error's text may show of it is decided here too: the names of fields
and keys, where they look like names, and a fingerprint that tells different words apart without showing any.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2s
from typing import Any, Final, cast

from attrs import field, frozen

from smscore.characters import PERSIAN_LETTERS
from smscore.wire import codec
from smscore.wire.codec import DecodeError

MAX_BODY_KEPT: Final = 2 * 1024  # bytes of an answer that an error keeps
_MAX_BODY_BYTES: Final = 64 * 1024  # bytes; no refusal is longer
_MAX_TEXT: Final = 500  # characters of an answer that is plain text
_MAX_ENTRIES: Final = 100
_DEPTH: Final = 4


@frozen(kw_only=True, repr=False)
class RefusalDetails:
    """What an answer says of its own refusal."""

    code: int | str | None = None
    message: str | None = None
    details: Sequence[str] = ()
    fields: Mapping[str, Sequence[str]] = field(factory=dict[str, Sequence[str]])


def details_in(body: bytes) -> RefusalDetails:
    """The message, the details and the fields that an answer names; empty where it says nothing that can be read."""
    if len(body) > _MAX_BODY_BYTES:
        return RefusalDetails()
    try:
        said = codec.read_loosely(body, cast("type[Any]", Any))
    except DecodeError:
        return RefusalDetails(message=_plain_text(body))
    return details_of(said)


def details_of(said: object) -> RefusalDetails:
    """The same of JSON that is read already."""
    if isinstance(said, str):
        return RefusalDetails(message=said or None)
    found = _Found()
    found.read(said)
    return RefusalDetails(
        message=found.message or next((text for text in found.details if text in found.told), None),
        details=found.details[:_MAX_ENTRIES],
        fields=dict([*found.fields.items()][:_MAX_ENTRIES]),
    )


def body_text(body: bytes) -> str:
    """The beginning of an answer as text, as much as an error keeps."""
    return body[:MAX_BODY_KEPT].decode("utf-8", "replace")


def keys_in(body: bytes) -> list[str]:
    """The names of the keys of an answer that is a JSON object, and of the objects in it."""
    if len(body) > _MAX_BODY_BYTES:
        return []
    try:
        said = codec.read_loosely(body, cast("type[Any]", Any))
    except DecodeError:
        return []
    return [*dict.fromkeys(_keys(said, ""))]


def shown_names(names: Iterable[str]) -> str:
    """Names for a log or an error's text: those that look like names, since any other may be a number or a token."""
    names = [*names]
    shown = [name for name in names if len(name) <= _MAX_NAME and _NAME.fullmatch(name)][:_MAX_NAMES]
    hidden = len(names) - len(shown)
    return ", ".join([*shown, f"{hidden} more" if shown else f"{hidden} not shown"] if hidden else shown)


_MAX_NAMES: Final = 10
_MAX_NAME: Final = 60
# Words of letters, as programmers name things; between them short indexes: params.0.recipients[1]
_NAME: Final = re.compile(r"\$?_?[A-Za-z]{1,24}(?:[._-][A-Za-z]{1,24}|\.\d{1,4}|\[\d{0,4}\])*", re.ASCII)


def shown_content_type(header: str) -> str:
    """A content type for a log: one that is usual, since a header may hold anything."""
    media_type = header.partition(";")[0].strip().lower()
    return media_type if media_type in _MEDIA_TYPES else "another content type" if media_type else "no content type"


_MEDIA_TYPES: Final = frozenset(
    {f"application/{kind}" for kind in ("json", "problem+json", "octet-stream", "xml", "javascript", "x-javascript")}
    | {f"text/{kind}" for kind in ("json", "plain", "html", "xml", "javascript")}
)


def fingerprint_of(words: RefusalDetails, documented: str = "") -> str:
    """A fingerprint of a provider's words, to tell causes apart; empty where they are only the documented ones.

    Numbers are left out, so that one cause has one fingerprint, and nobody can find a number by trying.
    """
    message = folded(words.message or "")
    said = [message if message != folded(documented) else ""]
    said += [folded(text) for text in words.details]
    said += [folded(text) for name, texts in words.fields.items() for text in (name, *texts)]
    if not any(said):
        return ""
    return "#" + blake2s("\n".join(re.sub(r"\d+", "0", text) for text in said).encode(), digest_size=3).hexdigest()


def folded(text: str) -> str:
    """A sentence for comparison: Persian letters as one, no spaces, half-spaces, punctuation or marks."""
    simple = unicodedata.normalize("NFKD", text).translate(_ONE_LETTER).casefold()
    return "".join(sign if not sign.isdecimal() else str(int(sign)) for sign in simple if sign.isalnum())


_ONE_LETTER: Final = str.maketrans({**PERSIAN_LETTERS, "ـ": ""})


def _plain_text(body: bytes) -> str | None:
    text = body.decode("utf-8", "replace").strip("\ufeff \t\r\n")
    return text if 0 < len(text) <= _MAX_TEXT and text[0] not in "<{[" and text.isprintable() else None


# Keys as they stand with hyphens and underscores taken out, in lower case.
_MESSAGES: Final = (
    "message",
    "msg",
    "errormessage",
    "errordescription",
    "error",
    "description",
    "reason",
    "statustext",
)
_TOLD: Final = ("detail", "title")  # of problem details (RFC 9457) and Django REST framework
_LISTS: Final = ("errors", "error", "fields", "fielderrors", "validationerrors", "invalidparams", "detail", "details")
_NESTS: Final = frozenset({"error", "return", "meta", "result", "data"})
_NAMES: Final = ("field", "name", "pointer", "param", "parameter", "property", "key", "loc", "path", "source")
_TEXTS: Final = ("message", "msg", "detail", "reason", "description", "title", "code")
# Keys of envelopes, which name no cause.
_ENVELOPE: Final = frozenset(
    {
        "issuccess",
        "success",
        "ok",
        "status",
        "statuscode",
        "code",
        "messagecode",
        "messageparameters",
        "value",
        "entries",
    }
    | {"type", "instance", "currentpage", "lastpage", "total", "perpage", "from", "to", "path", "page"}
)


class _Found:
    """What has been found in an answer so far."""

    def __init__(self) -> None:
        self.message: str | None = None
        self.told: set[str] = set()
        self.details: list[str] = []
        self.fields: dict[str, list[str]] = {}

    def read(self, said: object, depth: int = _DEPTH) -> None:
        """Take in an object that may name its cause, and those that it keeps its cause in."""
        if codec.is_array(said):
            self._errors(said, depth)
        if not codec.is_object(said) or not depth:
            return
        entries = {_plain_key(key): (key, value) for key, value in said.items()}
        for plain in _MESSAGES:
            text = entries.get(plain, ("", None))[1]
            if self.message is None and isinstance(text, str) and text:
                self.message = text
        for plain, (key, value) in entries.items():
            self._entry(plain, key, value, depth)

    def _entry(self, plain: str, key: str, value: object, depth: int) -> None:
        if plain in _TOLD and isinstance(value, str) and value:
            self.told.add(value)
            self.details.append(value)
        elif plain in _NESTS and codec.is_object(value):
            self.read(value, depth - 1)
        elif plain in _LISTS:
            self._errors(value, depth)
        elif plain not in _ENVELOPE and plain not in _NESTS and plain not in _MESSAGES:
            self._bare(key, value)

    def _errors(self, errors: object, depth: int) -> None:
        """Errors by field, as a list of objects, or as texts alone."""
        if isinstance(errors, str) and errors and errors != self.message:
            self.details.append(errors)
        elif codec.is_object(errors):
            for name, texts in _flat(errors, depth):
                self.fields.setdefault(name, []).extend(texts)
        elif codec.is_array(errors):
            for error in errors[:_MAX_ENTRIES]:
                self._error(error)

    def _error(self, error: object) -> None:
        if not codec.is_object(error):
            self.details.extend(codec.texts(error))
            return
        entries = {_plain_key(key): value for key, value in error.items()}
        name = next((_name(entries[key]) for key in _NAMES if key in entries), "")
        text = next((entries[key] for key in _TEXTS if isinstance(entries.get(key), str)), "")
        if name:
            self.fields.setdefault(name, []).extend([text] if text else [])
        elif text:
            self.details.append(text)
        else:
            self._errors(error, 1)

    def _bare(self, key: str, value: object) -> None:
        """A field named at the top: ``{"receivers": ["…"]}``; a text or a number there is a detail."""
        if codec.is_array(value) and value and all(isinstance(item, str) for item in value):
            self.fields.setdefault(key, []).extend(value)
        elif isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
            self.details.append(f"{key}: {value}")


def _plain_key(key: str) -> str:
    return key.replace("-", "").replace("_", "").lower()


def _flat(errors: Mapping[str, Any], depth: int, above: str = "") -> Iterator[tuple[str, list[str]]]:
    for name, value in errors.items():
        if codec.is_object(value) and value and depth:
            yield from _flat(value, depth - 1, f"{above}{name}.")
        else:
            yield above + name, codec.texts(value)


def _name(value: object) -> str:
    """A field's name, also as a JSON pointer or as the path that FastAPI gives."""
    if codec.is_array(value):
        return ".".join(str(part) for part in value)
    if codec.is_object(value):
        return next((_name(inner) for inner in value.values()), "")
    return value.lstrip("#/").replace("/", ".") if isinstance(value, str) else ""


def _keys(said: object, above: str, depth: int = 2) -> Iterator[str]:
    if codec.is_object(said):
        for key, value in said.items():
            yield above + key
            if depth > 1:
                yield from _keys(value, f"{above}{key}.", depth - 1)
