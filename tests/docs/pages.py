"""Every page of the documentation, and how each kind of code block in it is run.

A page's blocks run in their order and share one namespace, a folder with the files that the pages speak of, and a
sandbox that the environment points to. Hidden blocks (a comment that begins with ``invisible-code-block: python``)
assert what the visible ones did; their ``box`` is the sandbox.
"""

from __future__ import annotations

import ast
import asyncio
import configparser
import contextlib
import inspect
import io
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from sybil import Example, Sybil
from sybil.parsers.myst import CodeBlockParser

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "benchmarks/*.md", "examples/**/*.md")
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md"
)
EXTRAS = frozenset(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"])
SERVICES = {"payamak sandbox": "The page: ", "payamak queue work": "Sending for "}
"""What runs until Ctrl-C, and the beginning of the line by which it says that it is ready."""
FENCE = re.compile(r"^ *```([a-z]+)$", re.MULTILINE)


def run_python(example: Example) -> None:
    """Run it as a module's code, in which ``await`` may stand."""
    names = example.namespace
    source = "\n" * (example.line + example.parsed.line_offset) + example.parsed
    if not is_hidden(example):
        names["source"] += example.parsed + "\n"
    if "def test_" in example.parsed:
        return  # run_tests_of runs it
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    code = compile(source, example.path, "exec", flags=flags, dont_inherit=True)
    with contextlib.redirect_stdout(names["printed"]):
        result = eval(code, names)  # our own pages
        if inspect.iscoroutine(result):
            asyncio.run(result)


def run_tests_of(names: dict[str, Any]) -> None:
    """If a page has tests, its Python is a file of tests, which run as a reader's would."""
    if "def test_" not in names["source"]:
        return
    Path("test_page.py").write_text(names["source"], "utf-8")
    Path("pytest.ini").write_text("[pytest]\n", "utf-8")  # a project of its own, also in a folder of this one
    _run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_page.py"], names)


def run_shell(example: Example) -> None:
    """Run it in bash. What installs something is checked, and what runs until Ctrl-C is stopped when it is ready."""
    names, script = example.namespace, str(example.parsed)
    if "pip install" in script:
        _check_installs(script)
    elif ready := next((line for start, line in SERVICES.items() if script.startswith(start)), None):
        _run_until_ready(script.replace("8025", "0"), ready, names)
    else:
        _run(["bash", "-euo", "pipefail", "-c", f"{script}\nenv -0 > exported"], names)
        _keep_exports(names)


def _run(command: list[str], names: dict[str, Any]) -> None:
    ran = subprocess.run(command, env=names["environ"], capture_output=True, encoding="utf-8", timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    names["printed"].write(ran.stdout)


def _keep_exports(names: dict[str, Any]) -> None:
    """What a block exports is there in the next, as in a reader's terminal; the sandbox stays this test's own."""
    exported = dict(line.split("=", 1) for line in Path("exported").read_text("utf-8").split("\0") if line)
    names["environ"] = exported | {k: v for k, v in names["box"].environment.items() if k.endswith("_BASE_URL")}


def _run_until_ready(script: str, ready: str, names: dict[str, Any]) -> None:
    command = ["bash", "-c", f"exec 2>&1; exec {script}"]
    with subprocess.Popen(command, env=names["environ"], stdout=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdout is not None
        try:
            assert any(line.startswith(ready) for line in process.stdout)
        finally:
            process.terminate()


def _check_installs(script: str) -> None:
    """What pip is told to install is this folder, a group of it, or a package's name; its extras are ours."""
    for line in re.findall(r"pip install (.*?)(?:&&|#|$)", script, re.MULTILINE):
        for word in re.findall(r"'[^']*'|\"[^\"]*\"|\S+", line):
            wanted = word.strip("'\"")
            folder, _, extras = wanted.partition("[")
            if folder.startswith((".", "/", "~")):
                assert {extra for extra in extras.strip("]").split(",") if extra} <= EXTRAS, wanted
            elif not wanted.startswith("-"):
                Requirement(wanted)


def check_output(example: Example) -> None:
    """What was printed since the last such block; ``…`` stands for anything."""
    printed: io.StringIO = example.namespace["printed"]
    wanted = ".*".join(re.escape(part) for part in example.parsed.strip().split("…"))
    assert re.fullmatch(wanted, printed.getvalue().strip(), re.DOTALL), printed.getvalue()
    printed.seek(0)
    printed.truncate()


def reads(parse: Callable[[str], object]) -> Callable[[Example], None]:
    """Blocks of data are read by what reads that kind."""

    def check(example: Example) -> None:
        parse(example.parsed)

    return check


KINDS: dict[str, Callable[[Example], None]] = {
    "python": run_python,
    "sh": run_shell,
    "text": check_output,
    "json": reads(json.loads),
    "toml": reads(tomllib.loads),
    "ini": reads(lambda text: configparser.ConfigParser().read_string(text)),
}
PAGE_READER = Sybil(parsers=[CodeBlockParser(kind, run) for kind, run in KINDS.items()], path=str(ROOT))


def blocks(path: Path) -> list[Example]:
    """A page's code blocks in their order, the hidden ones among them."""
    return list(PAGE_READER.parse(path))


def is_hidden(block: Example) -> bool:
    return "invisible-code" in block.document.text[block.region.start : block.region.end]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def table(page: Path, number: int) -> list[list[str]]:
    """The rows of a page's table, the first one being 0, without its head."""
    tables = re.findall(r"(?:^\|.*\n)+", page.read_text("utf-8"), re.MULTILINE)
    rows = tables[number].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def names_of(rows: list[list[str]]) -> set[str]:
    """The names in code marks of the first column."""
    return {name for first, *_ in rows for name in re.findall(r"`([^`]+)`", first)}


def programs() -> list[Path]:
    """The pages to run: of pages with the same blocks but for comments, as the two languages often have, only one."""
    return list({tuple(_without_comments(block.parsed) for block in blocks(path)): path for path in PAGES}.values())


def _without_comments(source: str) -> str:
    return re.sub(r"(^|\s+)# .*", "", source)
