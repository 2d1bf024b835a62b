"""Every code block of every page runs, and is of a kind that something runs."""

from __future__ import annotations

import codeop
import io
import os
import shutil
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from commandline import write_xlsx
from docs.pages import FENCE, KINDS, PAGES, ROOT, blocks, is_hidden, named, programs, run_tests_of

from smscore.sandbox import Sandbox

pytestmark = [pytest.mark.exhaustive, pytest.mark.usefixtures("django_settings")]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a page's blocks, with the files that pages speak of."""
    (tmp_path / "customers.csv").write_text("name,mobile\nالف,09123456789\nب,02188776655\n", "utf-8")
    (tmp_path / "text.txt").write_text("سلام\n", "utf-8")
    write_xlsx(tmp_path / "customers.xlsx", a=[["name", "mobile", "debt"], ["علی", 9123456789, 1000]])
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", programs(), ids=named)
@pytest.mark.skipif(os.name == "nt", reason="some blocks are for a POSIX shell")
def test_every_code_block_of_a_page_runs(page: Path, files: Path, sms_sandbox: Sandbox):
    if page.parent.parent == ROOT / "examples":  # its commands are for its own folder
        shutil.copytree(page.parent, files, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.db*"))
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environ = {**os.environ, "PATH": path, "PYTHONIOENCODING": "utf-8", "XDG_STATE_HOME": str(files / "state")}
    environ.pop("PYTHONSAFEPATH", None)  # a reader's tests import the modules beside them
    shared = {"__name__": "page", "box": sms_sandbox, "printed": io.StringIO(), "source": "", "environ": environ}
    found = blocks(page)
    for block in found[:1]:
        block.namespace.update(shared)
    for block in found:
        block.evaluate()
    run_tests_of(shared | found[0].namespace if found else shared)


@pytest.mark.parametrize("page", [ROOT / "docs/tutorial.md", ROOT / "docs/fa/tutorial.md"], ids=named)
def test_what_the_tutorial_types_into_python_may_be_pasted(page: Path):
    shown = [block for block in blocks(page) if not is_hidden(block)]
    for block, following in pairwise(shown):
        if following.region.evaluator is KINDS["text"]:
            lines: list[str] = []
            for line in [*block.parsed.splitlines(), ""]:
                lines.append(line)
                if codeop.compile_command("\n".join(lines)):
                    lines = []
            assert lines == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_code_block_of_a_page_is_of_a_kind_that_nothing_runs(page: Path):
    kinds = FENCE.findall(page.read_text("utf-8"))
    assert Counter(kinds).keys() <= KINDS.keys()
    assert len(kinds) == len([block for block in blocks(page) if not is_hidden(block)])
