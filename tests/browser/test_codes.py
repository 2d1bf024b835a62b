"""One-time codes: what the page's buttons copy is what the sandbox answers to a program that asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from smscore.sandbox import Sandbox

if TYPE_CHECKING:
    from playwright.sync_api import Page

TEXTS = (
    "کد ۱۲۳۴۵ برای ورود",
    "کد ٤٨٢٩١٣",
    "Your verification number is 5521",
    "4821",
    "شماره سفارش ۱۰۲۴۵۸",
    "Order 1024 was sent; your code is 7788",
    "Your CODE: 7788",
    "decode 1111 pin 2222",
    "paſſword 1111 otp 2222",
    "gate 9911 @example.ir #482913",
    "@نشانی #1234",
    "@a@b.ir #1234 5678",
    "رمز 1,250,000 ریال و 7391",
    "12500 ریال",
    "12500\u200cتومان 99881",
    "12500\u00a0RIALS 99881",
    "12500\u2003ریال",
    "1500 Rialsx 2600",
    "کد YALDA تا ۱۴۰۵/۰۹/۰۱",
    "ساعت 1730:15 و 1730. پایان",
    "تلفن 02191000000",
    "+982191000000",
    "123456789",
    "123",
    "a_1234 1234_b 5678",
    "۱۲۳۴۵۶۷۸",
    "１２３４ 5678",
    "کد १२३४",
    "code 𝟣𝟤𝟥𝟦",
    "کد " + "🙂" * 30 + "4444 و پس از آن",
    "9999 کد " + "🙂" * 29 + "4444",
    "9999 کد " + "🙂" * 31 + "4444",
    "🙂" * 994 + "x 1234",
    "🙂" * 995 + "x 1234",
    "🙂" * 996 + "x 1234",
    "x" * 996 + "1234",
    "کد\n\n12345\n",
    "بدون هیچ رقمی",
    "سفارش ۷۷۴۱۲ ثبت شد",
    "کد سفارش ۷۷۴۱۲. کد تایید: ۱۲۳۴",
    "کد تأیید سفارش شما: ۱۲۳۴",
    "كد تائيد: ۱۲۳۴",
    "کد پیگیری: 12345678",
    "رمز پویا برای خرید 1,250,000 ریال از فروشگاه: 739204",
    "رمز:739204",
    "G-123456 is your Google verification code",
    "🙂" * 40 + "۱۲۳۴ " + "🙂" * 20 + " کد ورود شماست",
    "Your ORDER code is 77412",
    "Order #77412: one-time 1234",
    "با کد YALDA1404",
    "از سال 1390 در خدمت شما",
)

# What a program is told, and what the page finds in the same message.
COMPARED = """async (numbers) => {
  const { codeIn } = await import("/static/codes.js");
  return Promise.all(numbers.map(async (number) => {
    const [{ text }] = await (await fetch(`/api/conversations/${number}`)).json();
    const { code } = await (await fetch(`/api/codes/${number}`)).json();
    return [text, codeIn(text), code ?? null];
  }));
}"""


def test_the_page_and_the_sandbox_find_the_same_codes(
    page: Page, box: Sandbox, send: Callable[..., Any], allowed: list[str]
):
    allowed.append("404")
    numbers = [f"0912{index:07}" for index in range(len(TEXTS))]
    for number, text in zip(numbers, TEXTS, strict=True):
        send("sepahan", number, text)
    compared = page.evaluate(COMPARED, numbers)
    assert [text for text, *_ in compared] == list(TEXTS)
    assert [(text, found) for text, found, _ in compared] == [(text, told) for text, _, told in compared]
    assert {None, "12345", "5521", "4821", "7788"} <= {told for *_, told in compared}


def test_the_latest_code_of_a_phone_needs_no_word_before_it(new_page: Callable[..., Page], send: Callable[..., Any]):
    page = new_page("#/phones/%2B989120000001")
    latest = page.locator(".latest")
    for text, code in (
        ("کد 12345 برای ورود", "12345"),
        ("Your verification number is 5521", "5521"),
        ("4821", "4821"),
    ):
        send("sepahan", "09120000001", text)
        latest.get_by_role("button", name=f"Copy the code {code}").wait_for()
        assert page.locator(".bubble .code").last.inner_text() == code


@pytest.mark.parametrize("piece", ["@", "@a", "کد ", "1234@", "1234 ", "code"])
def test_a_long_text_without_a_code_is_read_at_once(page: Page, piece: str):
    spent = page.evaluate(
        """async (text) => {
          const { codeIn } = await import("/static/codes.js");
          const began = performance.now();
          codeIn(text);
          return performance.now() - began;
        }""",
        (piece * 60_000)[:60_000],
    )
    assert spent < 100
