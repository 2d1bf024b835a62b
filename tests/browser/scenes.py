"""Lively messages for the pictures, to numbers that belong to nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from smscore.sandbox import Sandbox

BEGAN = 1_795_245_000.0  # 2026-11-21, some minutes before a quarter to eleven in Tehran

# Seconds since the one before, the provider, the recipient, the text, and the code it is settled with.
MESSAGES = (
    (
        0,
        "ippanel",
        "09190000023",
        "یادآوری نوبت: دکتر رضایی، سه‌شنبه ۳ آذر ساعت ۱۷:۳۰. برای لغو، عدد ۱ را بفرستید.",
        None,
    ),
    (48, "sepahan", "09120000001", "خوش آمدید مریم عزیز! حساب شما در کتاب سپید ساخته شد.", None),
    (12, "sepahan", "09010000056", "واریز به حساب: ۱۸٬۵۰۰٬۰۰۰ ریال\nمانده: ۴۲٬۳۱۰٬۷۰۰ ریال\n۱۴۰۵/۰۸/۳۰", None),
    (33, "najva", "09150000067", "همسفر گرامی، اتوبوس شما ساعت ۲۲:۱۵ از پایانه جنوب، سکوی ۱۲ حرکت می‌کند.", 14),
    (21, "najva", "09330000045", "Your verification code is 665120. It expires in 2 minutes.", None),
    (64, "ippanel", "09380000078", "قبض برق شما با مبلغ ۳۸۴٬۰۰۰ ریال صادر شد. مهلت پرداخت: ۱۵ آذر", 3),
    (9, "sepahan", "09120000034", "رمز یکبار مصرف: 739204\nمبلغ: 1,250,000 ریال\nخرید از کتاب سپید", None),
    (37, "sepahan", "09120000001", "سفارش ۱۰۲۴۵ آماده ارسال است و فردا بین ۹ تا ۱۲ به دستتان می‌رسد.", None),
    (
        15,
        "ippanel",
        "09210000089",
        "شب یلدا نزدیک است! با کد YALDA تا پایان هفته ۲۵٪ تخفیف روی همه کتاب‌ها مهمان ما باشید.",
        None,
    ),
    (41, "najva", "09350000012", "پیک موتوری با مرسوله شما در راه است. کد تحویل: ۵۸۱۳", None),
    (26, "sepahan", "09020000090", "نوبت واکسن دامپزشکی «پشمک» فردا ساعت ۱۰ است.", 16),
    (18, "najva", "09120000001", "کتاب سپید: بسته شما تحویل شد. از خریدتان راضی بودید؟ ۱ تا ۵", None),
)
ANSWER = (20, "sepahan", "09120000001", "50003300", "۵، خیلی ممنون! بسته‌بندی عالی بود.")
LAST = (14, "sepahan", "09120000001", "کد ورود شما به کتاب سپید: ۴۸۲۹۱۳\nاین کد را به کسی ندهید.")


class Clock:
    """The time of the scenes, which passes only when it is told to."""

    def __init__(self) -> None:
        self.now = BEGAN

    def __call__(self) -> float:
        return self.now


def play(box: Sandbox, clock: Clock, send: Callable[..., Any]) -> None:
    """Let the messages come, over some minutes of the scenes' time."""
    for seconds, provider, recipient, text, code in MESSAGES:
        clock.now += seconds
        send(provider, recipient, text)
        if code is not None:
            box.settle(provider, box.messages[-1].message_id, code)
    wait, provider, sender, line, text = ANSWER
    clock.now += wait
    box.feed(provider, sender=sender, number=line, text=text)
    wait, provider, recipient, text = LAST
    clock.now += wait
    send(provider, recipient, text)
