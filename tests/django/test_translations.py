"""The admin in Persian: every string of the app is translated, and what is compiled is what is written."""

from __future__ import annotations

import ast
import gettext
import re
from importlib.resources import files
from pathlib import Path

import django
import pytest

APP = Path(str(files("smscore.contrib.django")))
FA = APP / "locale" / "fa" / "LC_MESSAGES"
CALLS = {"_", "gettext_lazy", "ngettext"}
TAG = re.compile(r"{% translate \"([^\"]+)\"(?: context \"([^\"]+)\")? %}")


def catalog(path: Path) -> gettext.GNUTranslations:
    with path.open("rb") as file:
        return gettext.GNUTranslations(file)


OWN = catalog(FA / "django.mo")
# What a page of Django's own admin says too is left to its translation.
DJANGOS = catalog(Path(django.__path__[0]) / "contrib/admin/locale/fa/LC_MESSAGES/django.mo")


def strings() -> set[tuple[str, str | None]]:
    """Every string of the app that is shown, with its context."""
    found: set[tuple[str, str | None]] = set()
    for path in APP.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
                found |= {(one.value, None) for one in node.args[:1] if isinstance(one, ast.Constant)}
    for path in APP.rglob("*.html"):
        found |= {(words, context or None) for words, context in TAG.findall(path.read_text("utf-8"))}
    return {(words, context) for words, context in found if isinstance(words, str)}


def translated(words: str, context: str | None) -> str:
    if context is not None:
        return OWN.pgettext(context, words)
    found = OWN.gettext(words)
    return found if found != words else DJANGOS.gettext(words)


def test_there_are_strings_to_translate():
    assert {("accepted", None), ("Cancel", "a campaign"), ("Older", None)} <= strings()


@pytest.mark.parametrize(("words", "context"), sorted(strings(), key=str))
def test_every_string_is_translated_with_its_placeholders(words: str, context: str | None):
    plurals = [OWN.ngettext(words, words, count) for count in (1, 2)]
    found = {one for one in plurals if one != words} or {translated(words, context)}
    for one in found:
        assert re.search("[\u0600-\u06ff]", one) or words == "%(percent)d%%", words
        assert sorted(re.findall(r"%\(\w+\)", one)) == sorted(re.findall(r"%\(\w+\)", words))


def test_what_is_compiled_is_what_is_written():
    written = re.findall(r'^msgstr(?:\[\d\])? "(.+)"$', (FA / "django.po").read_text("utf-8"), re.MULTILINE)
    compiled = {words for key, words in OWN._catalog.items() if key}
    assert {words.replace("\\n", "\n") for words in written} == compiled
