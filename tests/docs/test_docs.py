"""README, its Persian sister, the site and the examples are part of the product: they run."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import attrs
import click
import pytest
from commandline import write_xlsx
from django.test import RequestFactory
from docs.pages import EXTRAS, FENCE, PAGES, ROOT, named, names_of, table
from example_files import example

import ippanel_sms
import najva_sms
import sepahan_sms
import smscore
from smscore import DeliveryStatus, Outcome, RecipientResult, RetryPolicy, SendReport, Timeouts
from smscore.cli import exit_codes
from smscore.cli.commands import payamak
from smscore.cli.exit_codes import exit_code
from smscore.client import AsyncClient
from smscore.config import MAX_CONCURRENCY
from smscore.queue import AsyncSendQueue
from smscore.queue.store.rows import EXPORT_COLUMNS
from smscore.sandbox import Sandbox

PYPROJECT = (ROOT / "pyproject.toml").read_text("utf-8")
MODULES = (sepahan_sms, ippanel_sms, najva_sms)
pytestmark = pytest.mark.usefixtures("django_settings")

SOURCES = ("smscore/**/*.py", "*_sms/**/*.py", "payamak.py", "pytest_payamak.py")
METHOD_TABLES = ["README.md", "README.fa.md", "docs/reference/providers.md", "docs/fa/reference/providers.md"]
ERROR_TABLES = ["docs/reference/errors.md", "docs/fa/reference/errors.md"]
SETTING_TABLES = ["docs/reference/settings.md", "docs/fa/reference/settings.md"]
STATUS_TABLES = ["docs/reference/results.md", "docs/fa/reference/results.md"]
ENQUEUEING = ("enqueue", "enqueue_p2p", "enqueue_pattern")
CLIENTS = {"Sepahan": sepahan_sms.Sepahan, "IPPanel": ippanel_sms.IPPanel, "Najva": najva_sms.Najva}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of a page's blocks, with the files that pages speak of."""
    (tmp_path / "customers.csv").write_text("name,mobile\nالف,09123456789\nب,02188776655\n", "utf-8")
    (tmp_path / "text.txt").write_text("سلام\n", "utf-8")
    write_xlsx(tmp_path / "customers.xlsx", a=[["name", "mobile", "debt"], ["علی", 9123456789, 1000]])
    monkeypatch.chdir(tmp_path)
    return tmp_path


# Links and tables


LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_between_files_lead_somewhere(page: Path):
    targets = [link for link in LINK.findall(page.read_text("utf-8")) if "://" not in link and "mailto:" not in link]
    assert [link for link in targets if not (page.parent / link).exists()] == []


def rows(path: str, columns: int) -> list[list[str]]:
    """The cells of a page's tables of so many columns whose first cell is code, without the code marks."""
    lines = (ROOT / path).read_text("utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    return [[cell.replace("`", "") for cell in row] for row in cells if len(row) == columns]


SITES = {"en": ROOT / "docs", "fa": ROOT / "docs/fa"}


@pytest.mark.parametrize(("language", "site"), SITES.items(), ids=SITES)
def test_links_of_a_site_stay_in_it(language: str, site: Path):
    """Each language is built alone: a page links to pages of its own, and to pictures."""
    pages = [page for page in site.rglob("*.md") if language == "fa" or not page.is_relative_to(SITES["fa"])]
    links = [(page, link) for page in pages for link in LINK.findall(page.read_text("utf-8")) if "://" not in link]
    targets = [(named(page), link, (page.parent / link).resolve()) for page, link in links]
    assert [(page, link) for page, link, to in targets if not to.is_relative_to(site) and to.suffix != ".png"] == []


def abilities(path: str) -> dict[str, list[bool]]:
    """By a method's name, which providers a table says to have it."""
    found = re.findall(r"^\| `(\w+)`:.*?\|(.*)\|(.*)\|(.*)\|$", (ROOT / path).read_text("utf-8"), re.MULTILINE)
    return {name: [bool(cell.strip()) for cell in cells] for name, *cells in found}


@pytest.mark.parametrize(
    "path", ["README.md", "README.fa.md", "docs/reference/providers.md", "docs/fa/reference/providers.md"]
)
def test_the_tables_of_methods_say_what_each_provider_can_do(path: str):
    for name, cells in abilities(path).items():
        can = [hasattr(client, name) for client in CLIENTS.values()]
        assert cells == (can if any(can) else [hasattr(each, name) for each in MODULES]), name


def test_the_full_table_leaves_no_method_out():
    housekeeping = {"close", "with_options"}
    methods = {
        name for client in CLIENTS.values() for name, _ in inspect.getmembers(client, callable) if name[0] != "_"
    }
    assert methods - housekeeping == abilities("docs/reference/providers.md").keys() - {"parse_webhook"}


@pytest.mark.parametrize("path", ERROR_TABLES)
def test_the_table_of_errors_is_that_of_the_code(path: str):
    kinds = [getattr(smscore, name) for name in smscore.errors.__all__ if name != "SMSError"]
    in_code = {
        (kind.__name__, kind.default_outcome.name if kind.default_outcome else "", str(exit_code(kind(""))))
        for kind in kinds
    }
    assert {(name, outcome, code) for name, outcome, code, *_ in rows(path, 5)} == in_code


OF_A_CLIENT, TIMEOUTS, RETRIES, VARIABLES, OF_A_QUEUE, OF_A_CAMPAIGN, OF_DJANGO, OF_AN_ACCOUNT, CHECKS = range(9)
SETTINGS = pytest.mark.parametrize("page", [ROOT / path for path in SETTING_TABLES], ids=["en", "fa"])


@SETTINGS
def test_the_tables_of_settings_are_those_of_the_code(page: Path):
    written = {
        (name, default) for number in (OF_A_CLIENT, TIMEOUTS, RETRIES) for name, default, _ in table(page, number)
    }
    parameters = inspect.signature(AsyncClient.__init__).parameters
    assert names_of(table(page, OF_A_CLIENT)) == parameters.keys() - {"self"} | {"wire"}
    settings = [*attrs.fields(Timeouts), *attrs.fields(RetryPolicy)]
    figures = {(f"`{each.name}`", "none" if each.default is None else f"{each.default:g}") for each in settings}
    assert written >= figures | {("`max_concurrency`", str(MAX_CONCURRENCY))}


@SETTINGS
def test_the_tables_of_the_queue_s_settings_are_those_of_the_code(page: Path):
    of_a_queue = {*inspect.signature(AsyncSendQueue.__init__).parameters, "slots"} - {"self"}
    assert names_of(table(page, OF_A_QUEUE)) == of_a_queue
    common = set[str].intersection(
        *({*inspect.signature(getattr(AsyncSendQueue, name)).parameters} for name in ENQUEUEING)
    )
    assert names_of(table(page, OF_A_CAMPAIGN)) == common - {"self", "account"}


DJANGO = ROOT / "smscore/contrib/django"


@SETTINGS
def test_the_tables_of_django_s_settings_and_checks_leave_none_out(page: Path):
    code = "".join(path.read_text("utf-8") for path in DJANGO.rglob("*.py"))
    assert names_of(table(page, OF_DJANGO)) == set(re.findall(r"\"(PAYAMAK(?:_[A-Z_]+)?)\"", code))
    (keys,) = re.findall(r"^KEYS: Final = frozenset\((.*)\)$", code, re.MULTILINE)
    assert names_of(table(page, OF_AN_ACCOUNT)) == ast.literal_eval(keys)
    numbers = re.findall(r"(Problem|_error|_warning)\(\s*(\d+)", code)
    ids = {f"payamak.{'W' if kind == '_warning' else 'E'}{int(number):03}" for kind, number in numbers}
    assert names_of(table(page, CHECKS)) == ids


@SETTINGS
def test_the_table_of_variables_leaves_none_out(page: Path):
    paths = {path for name in SOURCES for path in ROOT.glob(name) if not path.is_relative_to(DJANGO)}
    code = "".join(path.read_text("utf-8") for path in paths)
    read = set(re.findall(r"\"([A-Z]+_WIRE|(?:PAYAMAK|XDG)_[A-Z_]+|LOCALAPPDATA)\"", code))
    written = names_of(table(page, VARIABLES))
    assert written == read | {f"<NAME>_{setting}" for setting in ("TOKEN", "SENDER", "BASE_URL")}


@pytest.mark.parametrize("page", ["docs/how-to/install.md", "docs/fa/how-to/install.md"], ids=["en", "fa"])
def test_the_table_of_extras_leaves_none_out(page: str):
    assert names_of(table(ROOT / page, 0)) == EXTRAS


@pytest.mark.parametrize("path", STATUS_TABLES)
def test_the_tables_of_outcomes_and_statuses_are_those_of_the_code(path: str):
    finals = {(name, final) for name, final, _ in rows(path, 3) if name in DeliveryStatus.__members__}
    assert finals == {(status.name, "✓" if status.is_final else "") for status in DeliveryStatus}
    assert {name for name, *_ in rows(path, 3)} >= Outcome.__members__.keys()


@pytest.mark.parametrize("path", ["docs/reference/results.md"])
def test_the_tables_of_reports_leave_no_attribute_out(path: str):
    written = set(re.findall(r"\w+", " ".join(name for name, _ in rows(path, 2))))
    public = {name for name in dir(SendReport) if not name.startswith("_")} - {"count", "index"}
    assert written >= public | {each.name for each in attrs.fields(RecipientResult)}


COMMAND_PAGES = pytest.mark.parametrize(
    "page", ["docs/reference/command-line.md", "docs/fa/reference/command-line.md"], ids=["en", "fa"]
)


@COMMAND_PAGES
def test_the_table_of_exit_codes_is_that_of_the_code(page: str):
    text = (ROOT / page).read_text("utf-8")
    written = {int(code) for cell in re.findall(r"^\| ([\d, ]+) \|", text, re.MULTILINE) for code in cell.split(",")}
    fixed = {value for name, value in vars(exit_codes).items() if name.isupper() and isinstance(value, int)}
    assert written == fixed - {exit_codes.SIGNALLED} | {exit_codes.SIGNALLED + number for number in (1, 2, 15)}


@COMMAND_PAGES
def test_the_command_line_leaves_no_command_and_no_column_of_an_export_out(page: str):
    text = (ROOT / page).read_text("utf-8")
    queue = payamak.commands["queue"]
    assert isinstance(queue, click.Group)
    assert {f"queue {name}" for name in queue.commands} == set(re.findall(r"`(queue [a-z]+)", text))
    assert {name for name in payamak.commands if not re.search(rf"`(?:payamak )?{name}[ `]", text)} == set()
    assert {name for name in EXPORT_COLUMNS if f"`{name}`" not in text} == set()


@pytest.mark.parametrize("page", ["README.md", "README.fa.md"])
def test_the_readme_has_at_most_800_words(page: str):
    shown = re.sub(r"<!---.*?-->|</?div[^>]*>", "", (ROOT / page).read_text("utf-8"), flags=re.DOTALL)
    assert len(shown.split()) <= 800


def test_contributing_has_a_place_for_every_module_and_room():
    places = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("## Where things are")[2].partition("## ")[0]
    named = set(re.findall(r"[a-z_]+", places))
    modules = {path.stem for path in (ROOT / "smscore").glob("*.py")} - {"__init__"}
    rooms = {path.parent.name for path in (ROOT / "smscore").rglob("__init__.py")}
    assert modules | rooms <= named


@pytest.mark.parametrize("site", [ROOT / "docs", ROOT / "docs/fa"], ids=named)
def test_every_page_of_the_site_is_in_its_list_and_no_other(site: Path):
    lists = re.findall(r"```\{toctree\}\n(?::[^\n]*\n)*(.*?)```", (site / "index.md").read_text("utf-8"), re.DOTALL)
    listed = [page for pages in lists for page in pages.split()]
    pages = {path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("*.md")}
    assert sorted(listed) == sorted(page for page in pages - {"index"} if not page.startswith("fa/"))


WITHOUT_A_TWIN = {"explanation/libraries": "for contributors, who read CONTRIBUTING in English"}


def test_every_page_has_a_persian_twin():
    english, persian = (
        {path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("*.md")}
        for site in (ROOT / "docs", ROOT / "docs/fa")
    )
    assert {page for page in english if not page.startswith("fa/")} - persian == WITHOUT_A_TWIN.keys()
    assert persian <= english


def shape(page: Path) -> tuple[list[str], list[int], list[str]]:
    """The levels of a page's headings, how many rows its tables have, and the kinds of its code blocks."""
    text = page.read_text("utf-8")
    prose = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)
    tables = re.findall(r"(?:^\|.*\n)+", prose, re.MULTILINE)
    return re.findall(r"^#+", prose, re.MULTILINE), [rows.count("\n") for rows in tables], FENCE.findall(text)


@pytest.mark.parametrize(
    "page", [path for path in PAGES if path.is_relative_to(ROOT / "docs/fa") or path.name == "README.fa.md"], ids=named
)
def test_a_persian_page_has_the_headings_tables_and_code_of_its_twin(page: Path):
    twin = ROOT / page.relative_to(ROOT).as_posix().replace("docs/fa/", "docs/").replace("README.fa.md", "README.md")
    assert shape(page) == shape(twin)


def test_both_glossaries_have_the_same_pairs_of_words():
    tables = [(ROOT / path).read_text("utf-8") for path in ("docs/glossary.md", "docs/fa/glossary.md")]
    english, persian = (re.findall(r"^\| (.+?) \| (.+?) \|", table, re.MULTILINE)[2:] for table in tables)
    assert sorted(english) == sorted((other, word) for word, other in persian)


# Around a release


def test_pre_commit_runs_the_ruff_of_the_lint_session():
    (pinned,) = re.findall(r"ruff==([\d.]+)", (ROOT / "pyproject.toml").read_text("utf-8"))
    assert f"rev: v{pinned}\n" in (ROOT / ".pre-commit-config.yaml").read_text("utf-8")


def test_every_change_is_of_a_kind_that_the_changelog_has():
    kinds = {each["directory"] for each in tomllib.loads(PYPROJECT)["tool"]["towncrier"]["type"]}
    names = [path.name for path in (ROOT / "changes").iterdir() if path.name != ".gitkeep"]
    assert [name for name in names if not re.fullmatch(rf"\+[a-z0-9-]+\.({'|'.join(kinds)})\.md", name)] == []


def test_every_step_of_a_workflow_is_pinned_to_a_commit():
    uses = re.findall(r"uses: (\S+)", "".join(p.read_text("utf-8") for p in (ROOT / ".github/workflows").glob("*.yml")))
    assert [step for step in uses if not re.search(r"@[0-9a-f]{40}$|^\./", step)] == []


# Examples


async def test_example_asyncio_service(sms_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]):
    await example("asyncio_service").main()
    assert len(sms_sandbox.messages) == 2
    assert capsys.readouterr().out.count("queued") == 2


def test_example_script(sms_sandbox: Sandbox, files: Path):
    ran = subprocess.run(
        [sys.executable, ROOT / "examples/script.py", files / "customers.csv"],
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert ran.stdout.splitlines()[-1] == "1 accepted, from row 1 on"
    assert "row 2: not_sent" in ran.stdout
    assert (ran.returncode, ran.stderr) == (1, "")


@pytest.mark.parametrize(("mobile", "status"), [("09123456789", 200), ("02188776655", 400)])
def test_example_django_welcome(sms_sandbox: Sandbox, mobile: str, status: int):
    views = example("django_views")
    response = views.welcome(RequestFactory().post("/", {"mobile": mobile}))
    views.ippanel.close()
    assert response.status_code == status
    assert len(sms_sandbox.messages) == (1 if status == 200 else 0)


def test_example_django_delivery_report():
    views = example("django_views")
    good = views.delivery_report(RequestFactory().get("/?messageid=1234&status=10"))
    bad = views.delivery_report(RequestFactory().post("/", "junk", content_type="text/plain"))
    assert (good.status_code, bad.status_code) == (200, 400)
    assert b"delivered" in good.content
