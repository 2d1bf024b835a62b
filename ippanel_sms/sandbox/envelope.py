"""The envelope around every answer: done, refused, and a page of a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Final

from smscore.sandbox import CallRefused, ErrorCode, RefusalReason, Reply

__all__ = [
    "ERROR_CODES",
    "ERROR_LIMIT",
    "REFUSALS",
    "Json",
    "Problem",
    "check",
    "done",
    "error",
    "invalid",
    "plain",
    "success",
]

ERROR_LIMIT: Final = 100  # field errors of one answer

DONE: Final = "انجام شد"
UNAUTHORIZED: Final = "اطلاعات وارد شده صحیح نمی باشد"
WRONG_BODY: Final = "بدنه درخواست خوانده نشد"  # the documents have no words for this one and the next two
NO_ROUTE: Final = "آدرس یافت نشد"
TOO_LARGE: Final = "حجم درخواست بیش از حد مجاز است"

Json = dict[str, object]
Problem = tuple[str, str]  # a field and what is wrong with it


def done(data: object, words: str = DONE) -> Reply:
    """The answer of a call that did what it should."""
    meta = success(words)
    meta["message_parameters"] = []
    return Reply(200, {"data": data, "meta": meta})


def plain(data: object) -> Reply:
    """The same, of the calls whose meta has no ``message_parameters`` in the documents."""
    return Reply(200, {"data": data, "meta": success()})


def success(words: str = DONE) -> Json:
    """The meta that all successes have."""
    return {"status": True, "message": words, "message_code": "200-1"}


def error(http_status: int, code: str, words: str, errors: Mapping[str, list[str]] | None = None) -> Reply:
    """A refusal: its HTTP status, its code, and what is wrong with which field."""
    meta: Json = {
        "status": False,
        "message": words,
        "message_parameters": [],
        "message_code": code,
        "errors": errors or {},
    }
    return Reply(http_status, {"data": None, "meta": meta})


def invalid(problems: Mapping[str, str]) -> Reply:
    """HTTP 422: the words of every wrong field, those of the first as the answer's message."""
    fields = {field: [words] for field, words in problems.items()}
    return error(422, "400-2", next(iter(problems.values())), fields)


def check(problems: Iterable[Problem]) -> None:
    """Refuse the call if it has any problem."""
    found = dict(islice(problems, ERROR_LIMIT))
    if found:
        raise CallRefused(invalid(found))


REFUSALS: Final = {
    RefusalReason.UNAUTHORIZED: error(401, "400-1", UNAUTHORIZED),
    RefusalReason.ROUTE: error(404, "400-1", NO_ROUTE),
    RefusalReason.BODY: error(422, "400-2", WRONG_BODY),
    RefusalReason.SIZE: error(413, "400-2", TOO_LARGE),
}

# By their HTTP status: the codes of two of them are the same.
ERROR_CODES: Final = {
    401: ErrorCode(UNAUTHORIZED, REFUSALS[RefusalReason.UNAUTHORIZED]),
    404: ErrorCode(NO_ROUTE, REFUSALS[RefusalReason.ROUTE]),
    422: ErrorCode(WRONG_BODY, REFUSALS[RefusalReason.BODY]),
}
