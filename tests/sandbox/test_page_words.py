"""The page's words in Persian: none that the page or the server has is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from smscore.sandbox.fault_kinds import FAULT_RULES
from smscore.sandbox.page_files import FOLDER
from smscore.sandbox.special_recipients import SPECIAL_RECIPIENTS

PERSIAN = (FOLDER / "persian.js").read_text("utf-8")
WORDS = {quoted or bare for quoted, bare in re.findall(r'^ +(?:"((?:[^"\\]|\\.)*)"|(\w+)):', PERSIAN, re.MULTILINE)}
SCRIPTS = [path for path in sorted(FOLDER.glob("*.js")) if path.name != "persian.js"]


def asked_for(script: Path) -> set[str]:
    """The English words that a script gives to ``t`` and ``counted``, in place or by a constant of its own."""
    code = script.read_text("utf-8")
    constants = dict(re.findall(r'^const ([A-Z]+) =\s+"(.*)";$', code, re.MULTILINE))
    given = re.findall(r"\bt\(([^()]*)", code) + re.findall(r"\bcounted\((.*?)\)", code)
    literals = {words for call in given for words in re.findall(r'"([^"]+)"', call)}
    named = {constants[name] for call in given for name in re.findall(r"\b[A-Z]+\b", call) if name in constants}
    return {words for words in literals | named if re.search("[A-Za-z]", words)} - {"in", "received"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_word_of_a_script_has_a_persian_one(script: Path):
    assert asked_for(script) - WORDS == set()


def test_every_kind_of_fault_and_special_recipient_has_a_persian_description():
    kinds = {kind.replace("_", " ") for kind in FAULT_RULES}
    descriptions = {rule.description for rule in FAULT_RULES.values()}
    descriptions |= {scenario.description for scenario in SPECIAL_RECIPIENTS.values()}
    assert (kinds | descriptions) - WORDS == set()
