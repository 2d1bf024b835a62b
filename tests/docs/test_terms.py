"""One word for one thing, and Persian as it is written: what a spelling checker of English does not see."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from docs.pages import PAGES, ROOT, named

pytestmark = pytest.mark.exhaustive

PERSIAN = [path for path in PAGES if path.is_relative_to(ROOT / "docs/fa") or path.name == "README.fa.md"]
ENGLISH = [path for path in PAGES if path.is_relative_to(ROOT) and path not in PERSIAN]

# What is said otherwise on every other page, and how.
WORDS = {
    r"سندباکس": "محیط آزمایشی",
    r"آزمون‌ها": "تست‌ها",
    r"کارساز": "سرور",
    r"دیتابیس": "پایگاه داده",
    r"سپهان": "سپاهان",
    r"اپلیکیشن": "برنامه",
    r"فایل نتایج": "پروندهٔ نتایج",
    r"شماره فرستنده|شمارهٔ فرستنده": "سرشماره",
    r"ارائه‌دهنده": "سامانه",
    r"گزارش دریافت": "گزارش تحویل",
    r"نخستین": "اولین",
    r"حلقهٔ رویداد": "event loop",
}
SPELLING = {
    "an Arabic letter": r"[يك]",
    "می apart from its verb": r"(?<![\w‌])ن?می [آ-ی]",
    "an ending apart from its word": r"[آ-ی] (?:ها|های|هایی|هایش|ترین)(?![\w‌])",
    "a Latin comma, semicolon or question mark": r"[آ-ی] ?[,;?]",
    "digits of two scripts in one number": r"[۰-۹][0-9]|[0-9][۰-۹]",
    "a space before a mark": r"[آ-ی] [،؛.:؟](?!\w)",
}
# Another word than the one that the glossary and the API have.
ENGLISH_WORDS = {r"\btext messages?\b": "message", r"\bphone numbers? book": "contacts", r"\bgateways?\b": "provider"}


def prose(page: Path) -> str:
    """A page without code, links' targets and comments."""
    text = re.sub(r"<!---.*?-->", "", page.read_text("utf-8"), flags=re.DOTALL)
    text = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^%.*$", "", text, flags=re.MULTILINE)
    return re.sub(r"`[^`\n]*`|\]\([^)]*\)|<[^>\n]*>", "…", text)


def found(page: Path, patterns: dict[str, str]) -> list[tuple[str, str]]:
    """What a page has of these patterns, by the name of each."""
    return [(name, match[0]) for name, pattern in patterns.items() for match in re.finditer(pattern, prose(page))]


@pytest.mark.parametrize("page", PERSIAN, ids=named)
def test_persian_is_spelled_one_way(page: Path):
    assert found(page, SPELLING) == []


@pytest.mark.parametrize("page", PERSIAN, ids=named)
def test_persian_has_one_word_for_one_thing(page: Path):
    assert found(page, {instead: word for word, instead in WORDS.items()}) == []


@pytest.mark.parametrize("page", ENGLISH, ids=named)
def test_english_has_one_word_for_one_thing(page: Path):
    assert found(page, {instead: word for word, instead in ENGLISH_WORDS.items()}) == []
