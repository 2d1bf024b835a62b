"""In a test run nothing leaves the machine, under every runner, and clients at module level need no token.

A client here has a proxy on a closed port of this machine: one that is not refused finds nobody (``ConnectionFailed``),
and nothing leaves in either case.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import aiohttp
import pytest

from ippanel_sms import AsyncIPPanel, IPPanel
from najva_sms import AsyncNajva, Najva
from sepahan_sms import AsyncSepahan, Sepahan
from smscore import ConfigurationError, ConnectionFailed, NotAttempted, Outcome, RetryPolicy
from smscore.calls.guard import allowed_hosts
from smscore.sandbox import Sandbox

pytest_plugins = ("pytester",)

CLOSED = "http://127.0.0.1:9"  # the port of "discard", where nobody listens
MOBILE = "09123456789"
SETTINGS: dict[str, Any] = {"sender": "50003300", "proxy": CLOSED, "retry": RetryPolicy.none()}
ASYNC = pytest.mark.parametrize("kind", [AsyncSepahan, AsyncIPPanel, AsyncNajva])
BLOCKING = pytest.mark.parametrize("kind", [Sepahan, IPPanel, Najva])

# In the tests of others. What sends says the class of the error, since it may be a process or thread of its own.
SENDING = """
    from sepahan_sms import Sepahan
    from smscore import RetryPolicy, SMSError

    client = Sepahan("token", sender="50003300", proxy="http://127.0.0.1:9", retry=RetryPolicy.none())

    def send():
        try:
            client.send("09123456789", "hello")
        except SMSError as error:
            return type(error).__name__
"""
REFUSED = "ConfigurationError"
CONNECTED = "ConnectionFailed"


# In this very process


@ASYNC
async def test_a_send_to_a_real_host_is_refused_and_says_what_to_do(kind: type) -> None:
    async with kind("token", **SETTINGS) as client:
        with pytest.raises(ConfigurationError) as caught:
            await client.send([MOBILE, "09123456788"], "سلام")
    error = caught.value
    assert (error.outcome, error.provider) == (Outcome.NOT_SENT, kind.provider.name)
    assert [result.outcome for result in error.report or ()] == [Outcome.NOT_SENT] * 2
    for name in (
        "sms_sandbox",
        "Sandbox()",
        "base_url=",
        "sms_allow_hosts",
        "@pytest.mark.sms_live",
        "PAYAMAK_TEST_RUN",
    ):
        assert name in str(error)


@BLOCKING
def test_a_blocking_send_is_refused_in_its_thread_too(kind: type) -> None:
    with kind("token", **SETTINGS) as client, pytest.raises(ConfigurationError, match="sms_sandbox"):
        client.send(MOBILE, "سلام")


@pytest.mark.parametrize(
    "read",
    [lambda client: client.connect(), lambda client: client.credit(), lambda client: client.receive()],
    ids=["connect", "credit", "receive"],
)
async def test_what_sends_nothing_is_refused_without_an_outcome(read: Callable[[AsyncSepahan], Any]) -> None:
    async with AsyncSepahan("token", **SETTINGS) as client:
        with pytest.raises(ConfigurationError, match="sms_sandbox") as caught:
            await read(client)
    assert (caught.value.outcome, caught.value.provider) == (None, "sepahan")


@ASYNC
async def test_a_stream_raises_the_refusal(kind: type) -> None:
    async with kind("token", batch_size=1, **SETTINGS) as client:
        with pytest.raises(ConfigurationError, match="sms_sandbox") as caught:
            async for _ in client.send_stream(["not a number", MOBILE, "09123456788"], "سلام"):
                pass
    assert caught.value.report


async def test_one_batch_is_tried_and_the_rest_are_not() -> None:
    async with AsyncSepahan("token", batch_size=1, max_concurrency=1, **SETTINGS) as client:
        with pytest.raises(ConfigurationError) as caught:
            await client.send([f"0912345678{place}" for place in range(5)], "سلام")
    assert [type(result.error) for result in caught.value.report or ()] == [ConfigurationError] + [NotAttempted] * 4


async def test_a_session_that_was_lent_is_guarded_and_keeps_its_own_middlewares() -> None:
    seen: list[str] = []

    async def note(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        seen.append(request.method)
        return await handler(request)

    async with aiohttp.ClientSession(middlewares=(note,)) as session:
        client = AsyncSepahan("token", session=session, **SETTINGS)
        for call in (client.credit(), client.send(MOBILE, "سلام")):
            with pytest.raises(ConfigurationError, match="sms_sandbox"):
                await call
    assert seen == ["GET", "POST"]


async def test_a_proxy_outside_is_refused_as_the_host_is() -> None:
    url = "http://127.0.0.1:9"
    async with AsyncSepahan("token", sender="5000", base_url=url, proxy="http://proxy.example.ir:3128") as client:
        with pytest.raises(ConfigurationError, match=r"proxy\.example\.ir"):
            await client.send(MOBILE, "سلام")


@pytest.mark.parametrize("url", ["http://sms-sandbox:8025", "https://10.0.0.1", "https://[fe80::1]", "https://127.1"])
async def test_only_loopback_is_this_machine(url: str) -> None:
    async with AsyncSepahan("token", base_url=url, **SETTINGS) as client:
        with pytest.raises(ConfigurationError, match="sms_sandbox"):
            await client.credit()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "127.8.9.10", "[::1]"])
async def test_loopback_is_reached(host: str) -> None:
    async with AsyncSepahan("token", base_url=f"http://{host}:9", **SETTINGS) as client:
        with pytest.raises(ConnectionFailed):
            await client.send(MOBILE, "سلام")


async def test_a_mocked_session_is_left_alone(provider_http: Any) -> None:
    url = "https://api.sepahansms.com"
    provider_http.get(f"{url}/api/SmsReport/credit", payload={"isSuccess": True, "value": 5, "error": None})
    async with AsyncSepahan("token") as client:
        assert await client.credit() == 5


async def test_connecting_on_a_mocked_session_is_left_alone_too() -> None:
    async def answered(*_: object, **__: object) -> Any:
        return type("Response", (), {"release": lambda _: None})()

    with patch("aiohttp.client.ClientSession._request", answered):
        async with AsyncSepahan("token") as client:
            assert await client.connect() is None


async def test_a_test_that_clears_the_environment_does_not_lift_the_guard() -> None:
    client = AsyncSepahan("token", **SETTINGS)
    with patch.dict(os.environ, clear=True), pytest.raises(ConfigurationError, match="sms_sandbox"):
        await client.send(MOBILE, "سلام")
    await client.aclose()


@pytest.mark.sms_live
async def test_the_marker_allows_every_host() -> None:
    assert os.environ["PAYAMAK_TEST_RUN"] == "*"
    async with AsyncSepahan("token", **SETTINGS) as client:
        with pytest.raises(ConnectionFailed):
            await client.send(MOBILE, "سلام")


async def test_what_is_allowed_once_is_not_taken_for_the_next() -> None:
    assert "*" not in (allowed_hosts() or ())
    assert "*" not in os.environ["PAYAMAK_TEST_RUN"]


# Under pytest


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with a module that sends, and none of this project's settings."""
    pytester.makepyfile(sending=textwrap.dedent(SENDING))
    pytester.makeini("[pytest]\npythonpath = .\n")
    return pytester


def passed(project: pytest.Pytester, *options: str, count: int = 1) -> None:
    project.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:asyncio", *options).assert_outcomes(passed=count)


def test_the_guard_holds_from_the_first_import_to_the_end_of_the_process(project: pytest.Pytester) -> None:
    project.makeconftest(
        """
        import atexit, pathlib, pytest
        from sending import send

        def note(when):
            with pathlib.Path("said").open("a") as said:
                said.write(f"{when} {send()}\\n")

        note("conftest")
        atexit.register(note, "atexit")

        @pytest.fixture(scope="session", autouse=True)
        def session():
            note("setup")
            yield
            note("teardown")

        def pytest_unconfigure(config):
            note("unconfigure")
            config.add_cleanup(lambda: note("cleanup"))
        """
    )
    project.makepyfile(test_it="import conftest\nconftest.note('module')\ndef test_it(): conftest.note('test')")
    passed(project)
    times = ["conftest", "module", "setup", "test", "teardown", "unconfigure", "cleanup", "atexit"]
    assert (project.path / "said").read_text().splitlines() == [f"{when} {REFUSED}" for when in times]


def test_a_plugin_that_sends_before_any_conftest_is_refused(project: pytest.Pytester) -> None:
    project.makepyfile(early="from sending import send\nsaid = send()")
    project.makepyfile(test_it=f"import early\ndef test_it(): assert early.said == {REFUSED!r}")
    passed(project, "-p", "sending", "-p", "early")


def test_the_guard_holds_where_plugins_are_not_loaded_by_themselves(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PAYAMAK_TEST_RUN")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    project.makepyfile(test_it=f"from sending import send\ndef test_it(): assert send() == {REFUSED!r}")
    passed(project)


@pytest.mark.parametrize("options", [["-p", "no:payamak"], []], ids=["left out", "not loaded"])
def test_a_test_that_clears_the_environment_is_guarded_without_the_plugin_too(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.delenv("PAYAMAK_TEST_RUN")
    if not options:
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    project.makepyfile(
        test_it=f"""
        import os
        from unittest.mock import patch
        from sending import send

        def test_it():
            with patch.dict(os.environ, clear=True):
                assert send() == {REFUSED!r}
        """
    )
    passed(project, *options)


def test_unittest_cases_and_workers_of_xdist_are_guarded(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_it=f"""
        import os, unittest, pytest
        from sending import send

        class Case(unittest.TestCase):
            def test_it(self):
                assert os.environ["PYTEST_XDIST_WORKER"]
                self.assertEqual(send(), {REFUSED!r})

            @pytest.mark.sms_live
            def test_live(self):
                self.assertEqual(send(), {CONNECTED!r})
        """
    )
    passed(project, "-n", "2", count=2)


def test_hosts_are_allowed_by_the_ini_option(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\npythonpath = .\nsms_allow_hosts = sms-sandbox\n  API.sepahansms.com\n")
    project.makepyfile(test_it=f"from sending import send\ndef test_it(): assert send() == {CONNECTED!r}")
    passed(project)


@pytest.mark.parametrize("entry", ["http://sms-sandbox", "sms-sandbox:8025", "sms/najva", "*"])
def test_an_ini_option_that_names_no_host_is_refused(project: pytest.Pytester, entry: str) -> None:
    project.makeini(f"[pytest]\nsms_allow_hosts = {entry}\n")
    ran = project.runpytest_subprocess("-p", "no:cacheprovider")
    assert ran.ret == pytest.ExitCode.USAGE_ERROR
    ran.stderr.fnmatch_lines(["*sms_allow_hosts takes host names*"])


def test_the_marker_is_for_one_test_and_its_child_processes(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_it=f"""
        import os, subprocess, sys, pytest
        from sending import send

        CHILD = [sys.executable, "-c", "from sending import send; print(send())"]

        def said():
            return {{send(), subprocess.run(CHILD, stdout=-1, text=True, check=True).stdout.strip()}}

        def test_before():
            assert said() == {{{REFUSED!r}}}
            os.environ.pop("PAYAMAK_TEST_RUN")

        @pytest.mark.sms_live
        def test_live():
            assert said() == {{{CONNECTED!r}}}
            os.environ.pop("PAYAMAK_TEST_RUN")

        def test_after():
            assert said() == {{{REFUSED!r}}}
        """
    )
    passed(project, "--strict-markers", count=3)


def test_clients_at_module_level_send_to_the_sandbox_of_the_test(project: pytest.Pytester) -> None:
    project.makepyfile(
        shop="""
        from ippanel_sms import IPPanel
        from najva_sms import Najva
        from sepahan_sms import Sepahan

        clients = [IPPanel(), Najva(), Sepahan()]
        """,
        test_it="""
        import pytest, shop

        @pytest.mark.parametrize("_", range(2))
        def test_it(sms_sandbox, _):
            assert all(client.send("09123456789", "hello").ok for client in shop.clients)
            assert [message.provider for message in sms_sandbox.messages] == ["ippanel", "najva", "sepahan"]

        def test_without():
            with pytest.raises(Exception, match="Missing token"):
                shop.clients[0].send("09123456789", "hello", sender="3000505")
        """,
    )
    passed(project, count=3)


def test_a_run_inside_a_run_lifts_nothing(project: pytest.Pytester) -> None:
    project.makepyfile(test_it=f"from sending import send\ndef test_it(): assert send() == {REFUSED!r}")
    before = allowed_hosts(), os.environ["PAYAMAK_TEST_RUN"]
    project.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:asyncio").assert_outcomes(passed=1)
    project.runpytest_inprocess("--no-such-option")
    assert (allowed_hosts(), os.environ["PAYAMAK_TEST_RUN"]) == before


# Other processes


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., str]:
    """``run("script.py", …, variable="value")``: what a Python says that inherits no test run."""
    (tmp_path / "sending.py").write_text(textwrap.dedent(SENDING), "utf-8")

    def run(*command: str, **variables: str) -> str:
        known = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "HOME") if name in os.environ}
        ran = subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path,
            env=known | {"PYTHONPATH": str(tmp_path), "PYTHONUTF8": "1"} | variables,
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()

    return run


SAY = "from sending import send; print(send())"


def test_a_program_that_is_not_a_test_run_connects(run: Callable[..., str]) -> None:
    assert run("-c", SAY) == CONNECTED
    assert run("-c", f"import unittest, pytest, pytest_payamak, django.test.utils; {SAY}") == CONNECTED


@pytest.mark.parametrize(
    ("value", "said"),
    [("localhost", REFUSED), ("sms-sandbox", REFUSED), ("sms-sandbox,api.sepahansms.com", CONNECTED), ("*", CONNECTED)],
)
def test_a_child_process_may_do_what_the_variable_says(run: Callable[..., str], value: str, said: str) -> None:
    assert run("-c", SAY, PAYAMAK_TEST_RUN=value) == said


def test_a_child_process_that_clears_its_environment_is_guarded_too(run: Callable[..., str]) -> None:
    assert run("-c", f"import os, sending; os.environ.clear(); {SAY}", PAYAMAK_TEST_RUN="localhost") == REFUSED


def test_a_program_that_runs_pytest_and_goes_on_connects_again(run: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")  # else it would go by this project's own settings
    (tmp_path / "test_it.py").write_text(f"from sending import send\ndef test_it(): assert send() == {REFUSED!r}")
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:asyncio"]
    script = (
        f"import os, pytest; code = pytest.main({options}); {SAY}; print(code == 0, 'PAYAMAK_TEST_RUN' in os.environ)"
    )
    assert run("-c", script).splitlines()[-2:] == [CONNECTED, "True False"]


CASES = """
import subprocess, sys, unittest
from sending import send

imported = send()
CHILD = [sys.executable, "-c", "from sending import send; print(send())"]

class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.before = send()

    @classmethod
    def tearDownClass(cls):
        print("after", send())

    def test_it(self):
        child = subprocess.run(CHILD, stdout=-1, text=True, check=True).stdout.strip()
        print("imported", imported, "before", self.before, "now", send(), "child", child)
"""


def test_unittest_is_guarded_from_import_to_end(run: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(CASES)
    said = run("-m", "unittest").splitlines()
    assert said == [f"imported {REFUSED} before {REFUSED} now {REFUSED} child {REFUSED}", f"after {REFUSED}"]


def test_a_child_that_is_started_before_any_client_is_made_is_guarded(run: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import subprocess, sys, unittest, sepahan_sms\nclass Case(unittest.TestCase):\n"
        f"    def test_it(self): subprocess.run([sys.executable, '-c', {SAY!r}], check=True)"
    )
    assert run("-m", "unittest") == REFUSED


def test_a_script_that_runs_its_own_cases_is_guarded(run: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "cases.py").write_text(f"{CASES}\nif __name__ == '__main__': unittest.main()")
    said = run("cases.py").splitlines()
    assert said == [f"imported {CONNECTED} before {REFUSED} now {REFUSED} child {REFUSED}", f"after {REFUSED}"]


def test_the_variable_allows_hosts_outside_pytest(run: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(CASES)
    said = run("-m", "unittest", PAYAMAK_TEST_RUN="api.sepahansms.com").splitlines()
    assert said[0] == f"imported {CONNECTED} before {CONNECTED} now {CONNECTED} child {CONNECTED}"


# Django


@pytest.fixture
def django(run: Callable[..., str], tmp_path: Path) -> Callable[..., str]:
    """``django("check")``: what a project's manage.py says whose modules make clients when they are imported."""
    pytest.importorskip("django")
    (tmp_path / "settings.py").write_text(
        "SECRET_KEY = 'x'\nROOT_URLCONF = 'shop.urls'\nSTATIC_URL = '/s/'\nSTATIC_ROOT = 'collected'\n"
        "INSTALLED_APPS = ['django.contrib.staticfiles', 'shop']\nALLOWED_HOSTS = ['*']\n"
    )
    (tmp_path / "manage.py").write_text(
        "import os, sys\nos.environ['DJANGO_SETTINGS_MODULE'] = 'settings'\n"
        "from django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n"
    )
    shop = tmp_path / "shop"
    (shop / "static").mkdir(parents=True)
    (shop / "static" / "x.css").write_text("")
    (shop / "__init__.py").write_text("")
    (shop / "sms.py").write_text(
        "from ippanel_sms import IPPanel\nfrom najva_sms import AsyncNajva\nfrom sepahan_sms import Sepahan\n"
        "ippanel, najva, sepahan = IPPanel(), AsyncNajva(), Sepahan()\n"
    )
    (shop / "urls.py").write_text(
        "from django.http import HttpResponse\nfrom django.urls import path\nfrom shop.sms import sepahan\n"
        "from sending import send\n"
        "def code(request):\n    sepahan.send('09123456789', 'hello')\n    return HttpResponse('sent')\n"
        "urlpatterns = [path('code', code), path('said', lambda request: HttpResponse(send()))]\n"
    )
    (shop / "models.py").write_text("import shop.sms\nfrom sending import send\nimported = send()\n")
    return lambda *command, **variables: run("manage.py", *command, **variables)


@pytest.mark.parametrize("command", [["check"], ["collectstatic", "--noinput"], ["makemigrations", "--check"]])
def test_a_project_with_clients_at_module_level_is_built_without_a_token(
    django: Callable[..., str], command: list[str]
) -> None:
    django(*command)


DJANGO_TESTS = """
import subprocess, sys
from django.test import SimpleTestCase
from sending import send
from shop.models import imported

loaded = send()
CHILD = [sys.executable, "-c", "from sending import send; print(send())"]

class Case(SimpleTestCase):
    def test_it(self):
        child = subprocess.run(CHILD, stdout=-1, text=True, check=True).stdout.strip()
        view = self.client.get("/said").content.decode()
        print(*{imported, loaded, send(), view, child})
"""


@pytest.mark.parametrize("options", [[], ["--parallel", "2"]])
def test_djangos_test_runner_is_guarded(django: Callable[..., str], tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "shop" / "tests.py").write_text(DJANGO_TESTS)
    assert REFUSED in django("test", *options).splitlines()
    assert CONNECTED not in django("test", *options)


def test_a_test_environment_that_a_program_sets_up_is_guarded_until_it_is_torn_down(
    django: Callable[..., str], run: Callable[..., str]
) -> None:
    script = (
        "import django; django.setup(); from django.test.utils import setup_test_environment; "
        f"setup_test_environment(); {SAY}"
    )
    assert run("-c", script, DJANGO_SETTINGS_MODULE="settings").splitlines() == [REFUSED]


def test_a_view_under_djangos_runner_sends_to_the_sandbox_that_the_environment_names(
    django: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "shop" / "tests.py").write_text(
        "from django.test import SimpleTestCase\n"
        "class Case(SimpleTestCase):\n"
        "    def test_it(self):\n        assert self.client.get('/code').content == b'sent'\n"
    )
    with Sandbox() as box:
        django("test", **box.environment)
        assert [message.recipient for message in box.messages] == ["+989123456789"]
