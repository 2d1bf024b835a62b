"""How the code is laid out, in figures: ``nox -s house``.

It reports how far a call travels, import circles, type names that stand twice, function lengths, the share of
comments, and names of providers outside their folders. It fails on a circle, and on a provider's name in a place that
is not among the exceptions below.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import importlib
import io
import re
import statistics
import subprocess
import sys
import tempfile
import tokenize
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
_PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PROVIDERS: Final = tuple(_PROJECT["entry-points"]["payamak.providers"])
PACKAGES: Final = ("smscore", *(f"{name}_sms" for name in PROVIDERS), "payamak.py", "pytest_payamak.py")

# Where a provider may be named outside its own folder, and why. A path that ends in a slash means all below it.
EXCEPTIONS: Final[Mapping[str, str]] = {
    "README.md": "its table and its examples",
    "README.fa.md": "its table and its examples",
    "CHANGELOG.md": "what changed for whom",
    "changes/": "what changed for whom",
    "CONTRIBUTING.md": "an example",
    "SECURITY.md": "whom to tell",
    "pyproject.toml": "packages and entry points",
    "docs/": "what each provider can do",
    "examples/": "they send through one",
    "benchmarks/": "they measure one",
    "tests/providers/": "each provider's own tests",
    "tests/sandbox/": "each emulation's own tests, and what the server does with their requests",
    "tests/samples/": "the documents' samples",
    "tests/cli/": "they type a provider's name, as users do",
    "tests/docs/": "the tables of what each provider can do",
    "tests/browser/": "they look for a provider's name on the page",
    "tests/hosts/": "they are programs as users write them, with one client each",
    # What every provider must keep is in tests/conformance, which names none. These hold what the core does, by real
    # clients: one for tests alone would need a wire format and an emulation of its own.
    **dict.fromkeys(
        (
            *(
                "tests/tracking/",
                "tests/core/",
                "tests/wire/",
                "tests/observing/",
                "tests/calls/",
                "tests/sending/",
                "tests/failover/",
                "tests/loops/",
                "tests/queue/",
                "tests/django/",
                "tests/chaos/",
            ),
            "tests/support/",
            *("tests/conftest.py", "tests/openapi.py", "tests/soak.py", "tests/soak_sandbox.py"),
        ),
        "they test the core through real clients",
    ),
}


# Imports


class Modules:
    """The package's modules, and which imports which, deferred and typing-only imports too."""

    def __init__(self, root: Path) -> None:
        self.trees: dict[str, ast.Module] = {}
        self.paths: dict[str, Path] = {}
        for package in PACKAGES:
            path = root / package
            for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
                name = ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
                self.paths[name] = file
                self.trees[name] = ast.parse(file.read_text(encoding="utf-8"))

    def imports(self) -> dict[str, set[str]]:
        """The modules that each imports; a package stands for its ``__init__`` only where a name is taken from that."""
        return {name: self._imported(name) - {name} for name in self.trees}

    def _imported(self, name: str) -> set[str]:
        found: set[str] = set()
        for node in ast.walk(self.trees[name]):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    found.add(inner if inner in self.trees else node.module)
        return found & self.trees.keys()


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """The groups of modules that reach one another (Tarjan)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            group = stack[at:]
            del stack[at:]
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def twice(modules: Modules) -> dict[str, list[str]]:
    """The class names that are defined in more than one module, with the modules."""
    where: defaultdict[str, list[str]] = defaultdict(list)
    for name, tree in modules.trees.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                where[node.name].append(name)
    return {name: places for name, places in sorted(where.items()) if len(places) > 1}


def function_lengths(modules: Modules) -> list[tuple[int, str]]:
    """The lines of each function without its docstring, the longest first."""
    found: list[tuple[int, str]] = []
    for name, tree in modules.trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                documented = ast.get_docstring(node, clean=False) is not None
                body = node.body[1:] if documented else node.body
                lines = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
                found.append((lines, f"{name}.{node.name}"))
    return sorted(found, reverse=True)


_LAYOUT: Final = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def comment_share(modules: Modules) -> tuple[int, int]:
    """How many lines have a comment that is no marker for a tool, and how many have code."""
    comments = code = 0
    for path in modules.paths.values():
        seen: set[int] = set()
        for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
            if token.type == tokenize.COMMENT:
                comments += not re.match(r"#\s*(noqa|type:|pyright:|pragma)", token.string)
            elif token.type not in {
                tokenize.NL,
                tokenize.NEWLINE,
                tokenize.INDENT,
                tokenize.DEDENT,
                tokenize.ENDMARKER,
            }:
                seen.update(range(token.start[0], token.end[0] + 1))
        code += len(seen)
    return comments, code


# Providers


def named_outside(root: Path) -> list[tuple[str, int]]:
    """The files that name a provider, outside the providers' folders and the exceptions, with how often."""
    files = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True, check=True).stdout.split("\n")
    name = re.compile("|".join(PROVIDERS), re.IGNORECASE)
    found: list[tuple[str, int]] = []
    for file in filter(None, files):
        if file.startswith(tuple(f"{provider}_sms/" for provider in PROVIDERS)) or _is_exception(file):
            continue
        try:
            text = (root / file).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        count = len(name.findall(text)) + bool(name.search(file))
        if count:
            found.append((file, count))
    return sorted(found, key=lambda pair: -pair[1])


def _is_exception(file: str) -> bool:
    return any(file == path or (path.endswith("/") and file.startswith(path)) for path in EXCEPTIONS)


# Walks


def walked(call: Callable[[], object]) -> list[str]:
    """The modules that this thread enters in a call, one entry a function call; the first call is made apart."""
    call()
    entered: list[str] = []
    files: dict[str, str | None] = {}
    seen: dict[int, FrameType] = {}  # a coroutine that goes on is no new call; kept alive, so that no id comes twice

    def note(frame: FrameType, event: str, _: object) -> None:
        if event != "call" or id(frame) in seen:
            return
        seen[id(frame)] = frame
        file = frame.f_code.co_filename
        if file not in files:
            files[file] = _module_of(file)
        if files[file] is not None:
            entered.append(str(files[file]))

    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(None)
    return entered


def _module_of(file: str) -> str | None:
    parts = Path(file).parts
    starts = [place for place, part in enumerate(parts) if part in PACKAGES]
    return "/".join(parts[starts[-1] :]) if starts else None


def walks() -> Iterator[tuple[str, list[str]]]:
    """Three ways through the code, against a sandbox in a thread of its own."""
    from smscore.sandbox import Sandbox

    sms = importlib.import_module("sepahan_sms")
    with Sandbox() as box, asyncio.Runner() as runner:
        client = sms.AsyncSepahan("any token", sender="50003300", base_url=box.url("sepahan"))
        run = runner.run

        async def close() -> None:
            await client.aclose()

        yield "one recipient through send", walked(lambda: run(client.send("09123456789", "متن")))
        yield "credit", walked(lambda: run(client.credit()))
        run(close())
        yield "a CSV row through payamak send", walked(_command(box.url("sepahan")))


def _command(url: str) -> Callable[[], object]:
    from smscore.cli import main

    folder = Path(tempfile.mkdtemp())
    (folder / "people.csv").write_text("mobile\n09123456789\n", encoding="utf-8")
    token = folder / "token"
    token.write_text("any-token", encoding="utf-8")
    words = ["payamak", "send", "-p", "sepahan", "--from", "50003300", "--text", "متن", "--yes", "--base-url", url]

    def call() -> None:
        sys.argv = [*words, "--token-file", str(token), str(folder / "people.csv")]
        try:
            main()
        except SystemExit as end:
            if end.code not in (0, None):
                raise RuntimeError(f"the command ended with {end.code}") from None

    return call


def moves(entered: list[str]) -> int:
    """How often one call goes on in another module than the one before it."""
    return sum(before != after for before, after in pairwise(entered))


def main() -> int:
    """Print the figures; 1 where a gate fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-walks", action="store_true", help="leave out the calls that are made")
    parser.add_argument("--details", action="store_true", help="list the modules of each walk")
    options = parser.parse_args()
    modules = Modules(ROOT)
    lines: list[str] = []
    if not options.no_walks:
        for name, entered in walks():
            lines.append(f"walk: {name}: {len(set(entered))} files, {moves(entered)} moves")
            if options.details:
                lines += [f"    {module}" for module in dict.fromkeys(entered)]
    tied = circles(modules.imports())
    outside = named_outside(ROOT)
    lengths = function_lengths(modules)
    comments, code = comment_share(modules)
    doubles = twice(modules)
    lines += [f"import circles: {len(tied)}", *(f"    {', '.join(group)}" for group in tied)]
    lines += [f"type names defined twice: {len(doubles)}", *(f"    {n}: {', '.join(p)}" for n, p in doubles.items())]
    lines += [f"functions: {len(lengths)}, median {statistics.median(n for n, _ in lengths):g} lines; the longest:"]
    lines += [f"    {count} {name}" for count, name in lengths[:5]]
    lines += [f"comments: {comments} on {code} lines of code, {100 * comments / code:.1f} %"]
    lines += [f"files that name a provider outside its folder: {len(outside)}", *(f"    {n} {f}" for f, n in outside)]
    print("\n".join(lines))
    return 1 if tied or outside else 0


if __name__ == "__main__":
    sys.exit(main())
