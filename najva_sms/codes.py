"""Najva's error codes and delivery statuses, as its document lists them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from smscore import AuthenticationError, DeliveryStatus, InsufficientCredit, InvalidParameters, ProviderError
from smscore.wire import Codes, Refusal, RefusalTable

SUCCESS: Final = 200

# The document has no answer to a wrong token. HTTP has 401 and 403 for it, here in either place.
_TOKEN: Final[Codes] = {
    401: Refusal(AuthenticationError, "the token is not accepted"),
    403: Refusal(AuthenticationError, "the token is not accepted"),
}
_WRONG: Final = Refusal(InvalidParameters, "the input parameters are wrong", "پارامترهای ورودی صحیح نیستند.")

_SEND: Final[Codes] = {
    **_TOKEN,
    400: _WRONG,
    414: Refusal(InvalidParameters, "there are over 10,000 recipients", "تعداد دریافت کننده‌ها بیش از 10000 عدد است."),
    418: Refusal(InsufficientCredit, "the credit is too low", "اعتبار حساب شما کافی نیست."),
}
_STATUS: Final[Codes] = {
    **_TOKEN,
    400: _WRONG,
    414: Refusal(InvalidParameters, "there are over 1,000 ids", "تعداد messageidها بیش از 1000 عدد است."),
}
_OUTBOX: Final[Codes] = {**_TOKEN, 400: _WRONG}
_UPLOAD: Final[Codes] = {
    **_TOKEN,
    400: Refusal(
        InvalidParameters,
        "the file's extension is not allowed; allowed are jpeg, jpg, png, gif, opus, ogg and mp4",
        "پسوندهای مجاز نیست. پسوندهای مجاز: jpeg, jpg, png, gif, opus, ogg, mp4",
    ),
    413: Refusal(
        InvalidParameters,
        "the file is over 15 MB",
        "حجم فایل بیش از حد مجاز است. بیشینه مقدار مجاز: ۱۵ مگابایت",
    ),
}

# A wrong sender refuses every batch.
_FIELDS: Final = {
    "sender": Refusal(InvalidParameters, "the sender is not valid", meets_every_batch=True, of_sender=True)
}


def _in_either_place(codes: Codes, fields: Mapping[str, Refusal] | None = None) -> RefusalTable:
    # The document does not say whether a code is the HTTP status or in return.status.
    return RefusalTable(codes, statuses=codes, fields=fields or {})


SEND_ERRORS: Final = _in_either_place(_SEND, _FIELDS)
STATUS_ERRORS: Final = _in_either_place(_STATUS)
OUTBOX_ERRORS: Final = _in_either_place(_OUTBOX)
UPLOAD_ERRORS: Final = _in_either_place(_UPLOAD)


class _Statuses(dict[int | None, DeliveryStatus]):
    def __missing__(self, code: int | None) -> DeliveryStatus:
        return DeliveryStatus.UNRECOGNIZED


STATUSES: Final[Mapping[int | None, DeliveryStatus]] = _Statuses(
    {
        1: DeliveryStatus.QUEUED,
        2: DeliveryStatus.SCHEDULED,
        4: DeliveryStatus.SENT,
        6: DeliveryStatus.FAILED,
        10: DeliveryStatus.DELIVERED,
        11: DeliveryStatus.UNDELIVERED,
        13: DeliveryStatus.CANCELLED,
        14: DeliveryStatus.BLOCKED,
        100: DeliveryStatus.NOT_FOUND,
    }
)
"""The meaning of each status code; ``UNRECOGNIZED`` for an unlisted one and for None."""

# send, send-p2p: a message with one of these statuses in the answer to its own send was refused; the others went.
REFUSED: Final = RefusalTable(
    {
        6: Refusal(ProviderError, "it failed at the sender line", "خطا در ارسال پیام به سرشماره مشخص شده"),
        13: Refusal(ProviderError, "it was cancelled", "ارسال پیامک لغو شده است."),
        14: Refusal(
            ProviderError, "the recipient blocks it; its cost is paid back", "گیرنده دریافت این پیامک را بلاک کرده است."
        ),
        100: Refusal(ProviderError, "its message id is not valid", "شناسه پیامک نامعتبر است."),
    }
)
