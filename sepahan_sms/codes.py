"""Sepahan's error codes and delivery statuses, as its document lists them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from smscore import (
    AccountError,
    AuthenticationError,
    DeliveryStatus,
    DuplicateRequest,
    InsufficientCredit,
    InvalidParameters,
    OutsideServiceHours,
)
from smscore.wire import Codes, Refusal, RefusalTable

_CODES: Final[Codes] = {
    -1: Refusal(AuthenticationError, "the token is not valid", "توکن نامعتبر است."),
    -2: Refusal(AuthenticationError, "the token is not approved", "توکن تایید نشده است."),
    -3: Refusal(AuthenticationError, "this machine's IP is not allowed", "آی پی درخواست دهنده نامعتبر است."),
    -4: Refusal(InvalidParameters, "a recipient's number is malformed", "فرمت شماره گیرنده نامعتبر است"),
    -5: Refusal(
        InvalidParameters,
        "a message text is empty",
        "حداقل یکی از نودهای آرایه ارسالی، متن پیام آن خالی است",
    ),
    -6: Refusal(InvalidParameters, "the arrays differ in length", "عدم تطابق تعداد آرایه‌های ارسالی"),
    -7: Refusal(InvalidParameters, "there are over 100 entries", "تعداد آرایه‌های ارسالی بیش از 100 نود است"),
    -8: Refusal(AccountError, "the sending service is disabled", "ارسال پیامک سرویس‌دهنده غیر فعال است"),
    -9: Refusal(AccountError, "the user is not approved", "کاربر در وضعیت تایید نشده قرار دارد"),
    -10: Refusal(AccountError, "the user has expired", "کاربر منقضی شده است"),
    -11: Refusal(AccountError, "the user's web service is disabled", "وب‌سرویس کاربر غیر فعال است"),
    -12: Refusal(
        InvalidParameters,
        "the sender number is not valid",
        "شماره فرستنده نامعتبر است",
        meets_every_batch=True,
        of_sender=True,
    ),
    -13: Refusal(AccountError, "the user has no price range", "رنج قیمت برای کاربر تعریف نشده است"),
    -14: Refusal(InsufficientCredit, "the user's credit is too low", "موجودی کاربر کافی نیست"),
    -15: Refusal(AccountError, "the manager is not approved", "مدیر در وضعیت تایید نشده قرار دارد."),
    -16: Refusal(AccountError, "the manager has expired", "مدیر منقضی شده است"),
    -17: Refusal(AccountError, "the manager's web service is disabled", "وب‌سرویس مدیر غیر فعال است"),
    -18: Refusal(AccountError, "the manager has no price range", "رنج قیمت برای مدیر تعریف نشده است"),
    -19: Refusal(InsufficientCredit, "the manager's credit is too low", "موجودی مدیر کافی نیست"),
    -20: Refusal(
        DuplicateRequest,
        "the request id was used before, and that earlier request may well have gone: do not send it again",
        "شناسه درخواست ارسالی تکراری است",
    ),
    -21: Refusal(InvalidParameters, "the input values are not valid", "مقادیر ورودی نامعتبر است"),
}

# A wrong sender refuses every batch, also where the answer names the field instead of a code.
_FIELDS: Final = {"senderNumbers": _CODES[-12]}

ERRORS: Final = RefusalTable(_CODES, fields=_FIELDS)

# status and oldStatus: the one failure that the document has for them alone has no code.
_INVALID_INPUT: Final[Codes] = {401: Refusal(InvalidParameters, "the input is not valid", "ورودی نامعتبر")}

STATUS_ERRORS: Final = RefusalTable(_CODES, statuses=_INVALID_INPUT)
OLD_STATUS_ERRORS: Final = RefusalTable(
    {
        **_CODES,
        -8: Refusal(
            OutsideServiceHours,
            "oldStatus answers only between 01:00 and 05:00 Tehran time",
            _CODES[-8].persian,
        ),
    },
    statuses=_INVALID_INPUT,
)

# Receive: the document lists these as HTTP statuses. They are recognised there and in error.code.
_RECEIVE: Final[Codes] = {
    406: Refusal(InvalidParameters, "the receiving line is wrong or inactive", "شماره دریافت کننده نامعتبر"),
    410: Refusal(AccountError, "the receiving line has expired", "شماره دریافت کننده منقضی شده"),
    416: Refusal(InvalidParameters, "the number of messages is not valid", "تعداد پیام درخواستی نامعتبر"),
    423: Refusal(AccountError, "the receiving line is not active", "شماره دریافت کننده فعال نمی باشد"),
}
RECEIVE_ERRORS: Final = RefusalTable({**_CODES, **_RECEIVE}, statuses=_RECEIVE)

STATUSES: Final[Mapping[int, DeliveryStatus]] = {
    -1: DeliveryStatus.NOT_FOUND,
    0: DeliveryStatus.QUEUED,
    1: DeliveryStatus.DELIVERED,
    2: DeliveryStatus.UNDELIVERED,
    3: DeliveryStatus.CANCELLED,
    5: DeliveryStatus.BLOCKED,
    7: DeliveryStatus.PARTIALLY_DELIVERED,
    8: DeliveryStatus.SENT,
    16: DeliveryStatus.FAILED,
}
