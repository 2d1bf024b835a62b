"""README, its Persian sister and the examples are part of the product: they run."""

from __future__ import annotations

import importlib.util
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from commandline import write_xlsx
from django.conf import settings
from django.test import RequestFactory

import ippanel_sms
import najva_sms
import sepahan_sms
from smscore.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
SENDERS = {"SEPAHAN": "50003300", "IPPANEL": "+983000505", "NAJVA": "90000123"}
CLIENTS = {"Sepahan": sepahan_sms.Sepahan, "IPPanel": ippanel_sms.IPPanel, "Najva": najva_sms.Najva}


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with Sandbox() as box:
        for name, sender in SENDERS.items():
            monkeypatch.setenv(f"{name}_TOKEN", "any")
            monkeypatch.setenv(f"{name}_SENDER", sender)
            monkeypatch.setenv(f"{name}_BASE_URL", box.url(name.lower()))
        yield box


@pytest.fixture(scope="module", autouse=True)
def _django():
    if not settings.configured:
        settings.configure(DEFAULT_CHARSET="utf-8", ALLOWED_HOSTS=["testserver"])
        django.setup()


def block(marker: str, text: str = README) -> str:
    """The Python block of a page that holds this text."""
    (found,) = [code for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if marker in code]
    return found


def example(name: str):
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_customers(folder: Path) -> Path:
    path = folder / "customers.csv"
    path.write_text("name,mobile\nالف,09123456789\nب,02188776655\n", "utf-8")
    return path


def test_every_python_block_of_the_readme_is_known_to_these_tests():
    markers = [
        "async def remind",
        "def welcome",
        "csv.DictReader",
        "except PartialSendError as error:  #",
        "box.messages",
    ]
    assert sorted(block(marker) for marker in markers) == sorted(re.findall(r"```python\n(.*?)```", README, re.DOTALL))


async def test_readme_asyncio_service(box: Sandbox):
    scope: dict = {}
    exec(block("async def remind"), scope)
    await scope["remind"](["09123456789"])
    assert [message.recipient for message in box.messages] == ["+989123456789"]


def test_readme_django_view(box: Sandbox):
    scope: dict = {}
    exec(block("def welcome"), scope)
    response = scope["welcome"](RequestFactory().post("/", {"mobile": "09123456789"}))
    scope["ippanel"].close()
    assert response.status_code == 200
    assert box.messages[0].text == "خوش آمدید!"


def test_readme_script(
    box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    write_customers(tmp_path)
    monkeypatch.chdir(tmp_path)
    exec(block("csv.DictReader"), {})
    assert capsys.readouterr().out == "0 1 accepted, 1 not sent\n"


def test_readme_results(box: Sandbox, capsys: pytest.CaptureFixture[str]):
    scope: dict = {}
    exec(block("except PartialSendError as error:  #"), scope)
    scope["client"].close()
    assert capsys.readouterr().out.startswith("True ")
    assert len(box.messages) == 3


def test_readme_sandbox(capsys: pytest.CaptureFixture[str]):
    exec(block("box.messages"), {})
    assert capsys.readouterr().out == "+989123456789 سلام\n"


def test_persian_readme(box: Sandbox, capsys: pytest.CaptureFixture[str]):
    exec(block("sepahan.send", (ROOT / "README.fa.md").read_text("utf-8")), {})
    assert capsys.readouterr().out.startswith("True ")


def rows_of_the_table() -> list[tuple[str, list[bool]]]:
    rows = re.findall(r"^\| `(\w+)`.*?\|(.*)\|(.*)\|(.*)\|$", README, re.MULTILINE)
    return [(name, [bool(cell.strip()) for cell in cells]) for name, *cells in rows if not name.isupper()]


@pytest.mark.parametrize(("name", "cells"), rows_of_the_table())
def test_the_readmes_table_says_what_each_provider_can_do(name: str, cells: list[bool]):
    can = [hasattr(client, name) for client in CLIENTS.values()]
    assert cells == (can if any(can) else [hasattr(module, name) for module in (sepahan_sms, ippanel_sms, najva_sms)])


def test_contributing_has_a_place_for_every_module_and_room():
    places = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("## Where things are")[2].partition("## ")[0]
    named = set(re.findall(r"[a-z_]+", places))
    modules = {path.stem for path in (ROOT / "smscore").glob("*.py")} - {"__init__"}
    rooms = {path.parent.name for path in (ROOT / "smscore").rglob("__init__.py")}
    assert modules | rooms <= named


def test_the_readmes_table_leaves_no_method_out():
    housekeeping = {"close", "with_options"}
    methods = {
        name for client in CLIENTS.values() for name, _ in inspect.getmembers(client, callable) if name[0] != "_"
    }
    assert methods - housekeeping == {name for name, _ in rows_of_the_table()} - {"parse_webhook"}


@pytest.mark.skipif(os.name == "nt", reason="the block is for a POSIX shell")
def test_readme_command_line(box: Sandbox, tmp_path: Path):
    (commands,) = [code for code in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) if "payamak p2p" in code]
    write_xlsx(tmp_path / "customers.xlsx", a=[["name", "mobile", "debt"], ["علی", 9123456789, 1000]])
    (tmp_path / "text.txt").write_text("سلام\n", "utf-8")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert [message.text for message in box.messages] == ["سلام", "سلام علی، بدهی شما 1000 ریال است."]
    assert ran.stdout.splitlines()[-1].startswith(f"{box.messages[0].message_id} ")


async def test_example_asyncio_service(box: Sandbox, capsys: pytest.CaptureFixture[str]):
    await example("asyncio_service").main()
    assert len(box.messages) == 2
    assert capsys.readouterr().out.count("queued") == 2


def test_example_script(box: Sandbox, tmp_path: Path):
    ran = subprocess.run(
        [sys.executable, ROOT / "examples/script.py", write_customers(tmp_path)],
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
def test_example_django_welcome(box: Sandbox, mobile: str, status: int):
    views = example("django_views")
    response = views.welcome(RequestFactory().post("/", {"mobile": mobile}))
    views.ippanel.close()
    assert response.status_code == status
    assert len(box.messages) == (1 if status == 200 else 0)


def test_example_django_delivery_report(box: Sandbox):
    views = example("django_views")
    good = views.delivery_report(RequestFactory().get("/?messageid=1234&status=10"))
    bad = views.delivery_report(RequestFactory().post("/", "junk", content_type="text/plain"))
    assert (good.status_code, bad.status_code) == (200, 400)
    assert b"delivered" in good.content
