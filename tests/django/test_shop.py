"""The shop of the examples: its own tests, and how much of its code has to do with SMS."""

from __future__ import annotations

import ast
import re
import uuid
from pathlib import Path

import attrs
import pytest
from django_shop import SHOP, Shop

MOST = 60
OF_SMS = re.compile(r"sms|payamak", re.IGNORECASE)
TOKENS = {"NAJVA_TOKEN": "of-a-test", "IPPANEL_TOKEN": "of-a-test", "SEPAHAN_TOKEN": "of-a-test"}


def test_the_shops_tests_pass(shop: Shop):
    if "PGDATABASE" in shop.variables:  # the runner makes test_… of it, and opens no other
        shop = attrs.evolve(
            shop, variables={**shop.variables, "PGDATABASE": f"shop_{uuid.uuid4().hex}", "PGOPTIONS": ""}
        )
    assert "OK" in shop.manage("test", "--noinput", **TOKENS)


@pytest.mark.exhaustive
def test_the_shops_settings_and_migrations_are_in_order(shop: Shop):
    shop.manage("check", "--fail-level", "WARNING", **TOKENS)
    shop.manage("migrate", "-v0", **TOKENS)
    shop.manage("makemigrations", "--check", "--dry-run", **TOKENS)


def test_all_of_the_shops_code_for_sms_takes_few_lines():
    lines = {path.name: sms_lines(path) for path in SHOP.rglob("*.py") if path.name != "tests.py"}
    assert lines["sms.py"]
    assert lines["views.py"]
    assert lines["settings.py"]
    assert sum(map(len, lines.values())) <= MOST, {name: len(found) for name, found in lines.items()}


def test_what_counts_as_code_for_sms(tmp_path: Path):
    (tmp_path / "views.py").write_text(COUNTED, encoding="utf-8")
    assert sms_lines(tmp_path / "views.py") == {1, 7, 8, 9, 10}


COUNTED = '''from shop.sms import confirm  # counted
from shop.models import Order

def view():
    """Its words about sms are not code."""
    order = Order.objects.create()
    confirm(
        order,
    )
    sms = 1  # counted; the three before it too, as they call what came from shop.sms
    return order
'''


def sms_lines(path: Path) -> set[int]:
    """The lines of code of a file that have to do with SMS: all of sms.py; elsewhere the statements that name it or
    something that was imported from it, and of a list its elements that do."""
    source = path.read_text("utf-8")
    tree = ast.parse(source)
    bare = [line.split("#")[0] for line in source.splitlines()]
    docstrings = {line for node in ast.walk(tree) if is_words(node) for line in span(node)}
    code = {number for number, line in enumerate(bare, 1) if line.strip()} - docstrings
    if path.name == "sms.py":
        return code
    wanted = re.compile(
        "|".join([OF_SMS.pattern, *(rf"\b{re.escape(name)}\b" for name in imported(tree))]), re.IGNORECASE
    )
    parts = [part for node in ast.walk(tree) for part in parts_of(node)]
    found = {line for part in parts if wanted.search("\n".join(bare[line - 1] for line in part)) for line in part}
    return found & code


def imported(tree: ast.AST) -> list[str]:
    """The names that come from modules that have to do with SMS."""
    return [
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and OF_SMS.search(node.module or "")
        for alias in node.names
    ]


def parts_of(node: ast.AST) -> list[range]:
    """The lines of a statement without those of the statements in it, or those of each element of a list."""
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.List):
        return [*map(span, node.value.elts)]
    if not isinstance(node, ast.stmt | ast.ExceptHandler) or is_words(node):
        return []
    body = getattr(node, "body", None)
    return [range(node.lineno, body[0].lineno) if body else span(node)]


def is_words(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def span(node: ast.AST) -> range:
    return range(getattr(node, "lineno", 0), getattr(node, "end_lineno", 0) + 1)


@pytest.mark.parametrize("page", ["README.md", "README.fa.md"])
def test_the_shops_pages_name_files_that_are_there(page: str):
    named = re.findall(r"`((?:shop|bookshop)/[\w/]+\.py)`", (SHOP / page).read_text("utf-8"))
    assert named
    assert [name for name in named if not (SHOP / name).exists()] == []
