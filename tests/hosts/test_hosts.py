"""The clients inside what runs them: servers that fork, workers, notebooks, and one event loop after the other.

Each host is a process of its own; the sandbox that it sends to is in this one, and says what arrived and how often.
"""

from __future__ import annotations

import asyncio
import http.client
import importlib.util
import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

import attrs
import pytest

from smscore.sandbox import Sandbox

LINE = "50003300"
POSIX = os.name == "posix"
posix = pytest.mark.skipif(not POSIX, reason="forks, and signals to one process, are of POSIX")


def needs(*modules: str) -> pytest.MarkDecorator:
    """Skip where a package is missing. It is looked for and not imported, since some change what they meet."""
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} is not installed")


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox() as box:
        yield box


def recipients(box: Sandbox) -> list[str]:
    """Everyone who got a message, once for each, in order."""
    return sorted(message.recipient for message in box.messages)


def numbers(count: int) -> list[str]:
    return [f"+98935{place:07}" for place in range(count)]


@attrs.frozen
class Host:
    """A process under way, with what it has said so far."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def out(self) -> str:
        return self._said("stdout")

    @property
    def err(self) -> str:
        # A busy machine has slow steps, of which asyncio's debug mode tells.
        return re.sub(r"^Executing <.*> took [0-9.]+ seconds$\n?", "", self._said("stderr"), flags=re.MULTILINE)

    def _said(self, where: str) -> str:
        return (self.folder / where).read_text("utf-8").strip()

    def ended(self, within: float = 15) -> int:
        """Its exit code; one that hangs fails the test."""
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            pytest.fail(f"the process hangs, and said: {self.err}")

    def stopped(self, by: signal.Signals, within: float = 15) -> int:
        """Its exit code after this signal."""
        self.process.send_signal(by)
        return self.ended(within)

    def until(self, fact: Callable[[], bool], within: float = 20) -> None:
        """Wait for something that it does."""
        last = time.monotonic() + within
        while not fact():
            if self.process.poll() is not None or time.monotonic() > last:
                pytest.fail(f"it did not come to that, and said: {self.err}")
            time.sleep(0.02)


@contextmanager
def started(
    folder: Path, box: Sandbox, *command: str, url: str | None = None, pass_fds: tuple[int, ...] = ()
) -> Iterator[Host]:
    """A Python that runs this command in a folder, and is killed with all of its children at the end."""
    known = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "COVERAGE_PROCESS_START") if name in os.environ}
    settings = {
        "SEPAHAN_TOKEN": "token",
        "SEPAHAN_SENDER": LINE,
        "SEPAHAN_BASE_URL": url or box.url("sepahan"),
        "HOME": str(folder),
        "PYTHONUTF8": "1",
    }
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env=known | settings,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            pass_fds=pass_fds,
            start_new_session=True,
        )
    try:
        yield Host(process, folder)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL) if POSIX else process.kill()
        process.wait()


def script(folder: Path, text: str) -> str:
    """The name of a file with this script, whose helpers say how many sockets are open."""
    helpers = """
        import os

        def sockets():
            if not os.path.isdir("/proc/self/fd"):
                return 0
            names = [os.path.join("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
            return sum(os.readlink(name).startswith("socket:") for name in names if os.path.islink(name))
    """
    (folder / "script.py").write_text(textwrap.dedent(helpers) + textwrap.dedent(text), "utf-8")
    return "script.py"


def run(folder: Path, box: Sandbox, text: str, *options: str, url: str | None = None) -> tuple[int, str, str]:
    """The exit code, output and complaints of a script, with every warning an error and asyncio's debug mode on."""
    with started(folder, box, "-X", "dev", "-W", "error", *options, script(folder, text), url=url) as host:
        return host.ended(), host.out, host.err


class Relay:
    """A way to the sandbox that counts the connections made through it."""

    def __init__(self, box: Sandbox) -> None:
        host, port, path = box.url("sepahan").removeprefix("http://").replace("/", ":").split(":")
        self._target = (host, int(port))
        self._path = path
        self._tasks: set[Any] = set()
        self.made = 0
        self.most_open = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.made += 1
        self._tasks.add(asyncio.current_task())
        self.most_open = max(self.most_open, len(self._tasks))
        there, back = await asyncio.open_connection(*self._target)
        await asyncio.gather(_pump(reader, back), _pump(there, writer))
        self._tasks.discard(asyncio.current_task())

    async def _run(self, ready: threading.Event) -> None:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/{self._path}"
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        ready.set()
        await self._over.wait()
        server.close()
        await asyncio.gather(*self._tasks)

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


@pytest.fixture
def relay(box: Sandbox) -> Iterator[Relay]:
    with Relay(box) as relay:
        yield relay


# Django behind servers

PROJECT = """
import os
import time
from pathlib import Path

from asgiref.sync import async_to_sync
from django.conf import settings
from django.http import JsonResponse
from django.urls import path

from sepahan_sms import AsyncSepahan, Sepahan

settings.configure(SECRET_KEY="of-the-tests", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"], USE_TZ=True)

client = Sepahan()
async_client = AsyncSepahan()


def met(others):
    # Goes on when that many processes are in a view: so all of them serve.
    Path(f"serving-{os.getpid()}").touch()
    last = time.monotonic() + 10
    while len(list(Path().glob("serving-*"))) < others and time.monotonic() < last:
        time.sleep(0.01)


def answer(report):
    return JsonResponse({"ok": report.ok, "pid": os.getpid()})


def send(request):
    met(int(request.GET.get("processes", "1")))
    return answer(client.send(request.GET["to"], "سلام"))


async def send_async(request):
    return answer(await async_client.send(request.GET["to"], "سلام"))


def send_across(request):
    return answer(async_to_sync(async_client.send)(request.GET["to"], "سلام"))


urlpatterns = [path("send", send), path("async", send_async), path("across", send_across)]
"""

USED_BEFORE_THE_FORK = """
from django.core.wsgi import get_wsgi_application

from project import client

client.send("09120000000", "پیش از انشعاب")
application = get_wsgi_application()
"""

ASGI = """
from django.core.asgi import get_asgi_application

import project

application = get_asgi_application()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in {"project.py": PROJECT, "wsgi.py": USED_BEFORE_THE_FORK, "asgi.py": ASGI}.items():
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


@contextmanager
def serving(folder: Path, box: Sandbox, *command: str) -> Iterator[tuple[Host, int]]:
    """A server and its port. It gets a socket that listens already, so nobody need wait until it is up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        file = listener.fileno()
        arguments = [argument.format(file=file) for argument in command]
        with started(folder, box, *arguments, pass_fds=(file,)) as host:
            listener.close()
            yield host, port


def asked(port: int, path: str) -> dict[str, object]:
    """The answer to a GET, which is to be a 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read().decode()
    finally:
        connection.close()
    assert response.status == 200, body
    return json.loads(body)


def asked_at_once(port: int, paths: list[str]) -> list[dict[str, object]]:
    """The answers to many, asked by eight threads."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda path: asked(port, path), paths))


@posix
@needs("gunicorn")
@pytest.mark.parametrize(
    "kind",
    [("--worker-class=sync",), ("--worker-class=gthread", "--threads=4", "--worker-connections=4")],
    ids=["sync", "gthread"],
)
def test_gunicorn_with_preload_serves_a_client_that_was_used_before_the_fork(
    project: Path, box: Sandbox, kind: tuple[str, ...]
) -> None:
    command = ("-m", "gunicorn", "--preload", "--workers=2", "--bind=fd://{file}", *kind, "wsgi:application")
    with serving(project, box, *command) as (host, port):
        answers = asked_at_once(port, [f"/send?processes=2&to={number[1:]}" for number in numbers(20)])
        assert all(answer["ok"] for answer in answers)
        assert len({answer["pid"] for answer in answers} - {host.process.pid}) == 2
        assert host.stopped(signal.SIGTERM) == 0
    assert "Traceback" not in host.err
    assert recipients(box) == ["+989120000000", *numbers(20)]


@posix
@needs("gunicorn")
def test_gunicorn_serves_async_views_and_async_to_sync(project: Path, box: Sandbox) -> None:
    command = ("-m", "gunicorn", "--preload", "--worker-class=gthread", "--threads=4", "--bind=fd://{file}")
    with serving(project, box, *command, "wsgi:application") as (host, port):
        paths = [f"/{('async', 'across')[place % 2]}?to={number[1:]}" for place, number in enumerate(numbers(20))]
        assert all(answer["ok"] for answer in asked_at_once(port, paths))
        assert host.stopped(signal.SIGTERM) == 0
    assert "Traceback" not in host.err
    assert recipients(box) == ["+989120000000", *numbers(20)]


def test_async_views_under_wsgi_leave_no_connection_behind(project: Path, box: Sandbox) -> None:
    text = """
        from django.core.wsgi import get_wsgi_application
        import project
        from django.test import Client

        get_wsgi_application()
        web = Client(SERVER_NAME="127.0.0.1")
        before = sockets()
        for place in range(6):
            answer = web.get(("/async", "/across")[place % 2], {"to": f"0935{place:07}"})
            assert answer.json()["ok"]
        print(sockets() - before)
    """
    assert run(project, box, text) == (0, "0", "")
    assert recipients(box) == numbers(6)


@posix
@needs("uvicorn")
def test_django_under_asgi_sends_from_async_and_sync_views_and_across(project: Path, box: Sandbox) -> None:
    command = ("-X", "dev", "-m", "uvicorn", "--fd={file}", "--lifespan=off", "--ws=none", "asgi:application")
    with serving(project, box, *command) as (host, port):
        kinds = ("async", "send", "across")
        paths = [f"/{kinds[place % 3]}?to={number[1:]}" for place, number in enumerate(numbers(30))]
        assert all(answer["ok"] for answer in asked_at_once(port, paths))
        assert host.stopped(signal.SIGINT) == 0
    assert "Traceback" not in host.err
    assert "Warning" not in host.err
    assert recipients(box) == numbers(30)


# Celery

TASKS = """
from pathlib import Path

from celery import Celery
from celery.signals import worker_init

from sepahan_sms import Sepahan
from smscore import DuplicateRequest

for name in ("queue", "control", "results"):
    Path(name).mkdir(exist_ok=True)

app = Celery("tasks", broker="filesystem://", backend=f"file://{Path('results').absolute()}")
app.conf.update(
    broker_transport_options={
        "data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "control", "polling_interval": 0.05
    },
    broker_connection_retry_on_startup=True,
    task_acks_late=True,
    worker_prefetch_multiplier=1,
)
client = Sepahan()


@worker_init.connect
def before_the_fork(**_):
    client.send("09120000000", "پیش از انشعاب")


@app.task(bind=True)
def send(self, number, twice):
    try:
        sent = client.send(number, "سلام", request_id=f"task-{self.request.id}").ok
    except DuplicateRequest:
        return "sent before"
    if twice and not self.request.retries:
        raise self.retry(countdown=0)
    return sent
"""

ORDERS = """
import os
import sys

os.chdir("..")
sys.path.insert(0, "")
from tasks import send

for place in range(10):
    send.apply_async((f"0935{place:07}", place == 7), task_id=f"order-{place}")
"""


@posix
@needs("celery")
def test_a_celery_prefork_worker_sends_once_a_task(tmp_path: Path, box: Sandbox) -> None:
    (tmp_path / "tasks.py").write_text(TASKS, "utf-8")
    shop, results = tmp_path / "shop", tmp_path / "results"
    shop.mkdir()

    def found() -> list[object]:
        kept = [file.read_text("utf-8") for file in results.glob("celery-task-meta-*")]
        read = [json.loads(text) for text in kept if text]
        return [one["result"] for one in read if one["status"] == "SUCCESS"]

    worker = ("-m", "celery", "-A", "tasks", "worker", "--pool=prefork", "--concurrency=2")
    alone = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=WARNING")
    with started(tmp_path, box, *worker, *alone) as host, started(shop, box, "-c", ORDERS) as orders:
        assert orders.ended(30) == 0, orders.err
        host.until(lambda: len(found()) == 10)
        assert host.stopped(signal.SIGTERM) == 0
    assert sorted(map(str, found())) == ["True"] * 9 + ["sent before"]
    assert "Traceback" not in host.err
    assert recipients(box) == ["+989120000000", *numbers(10)]


# Notebooks

NOTEBOOK = """
    import json
    from jupyter_client.manager import start_new_kernel

    CELLS = [
        "from sepahan_sms import AsyncSepahan, Sepahan; client = Sepahan(); async_client = AsyncSepahan()",
        "import asyncio, warnings; warnings.simplefilter('always'); asyncio.get_running_loop().is_running()",
        "client.send('09350000000', 'سلام').ok",
        "[report.ok for report in client.send_stream(['09350000001'], 'سلام')]",
        "(await async_client.send('09350000002', 'سلام')).ok",
        "(await async_client.send('09350000003', 'سلام')).ok, client.send('09350000004', 'سلام').ok",
        "client.close(); await async_client.aclose()",
    ]

    manager, kernel = start_new_kernel(startup_timeout=30)
    try:
        for cell in CELLS:
            said = []
            reply = kernel.execute_interactive(cell, timeout=20, output_hook=said.append)
            for message in said:
                content = message["content"]
                if message["msg_type"] == "execute_result":
                    print(content["data"]["text/plain"])
                elif message["msg_type"] in ("stream", "error"):
                    print("complaint:", content)
            assert reply["content"]["status"] == "ok"
    finally:
        kernel.stop_channels()
        manager.shutdown_kernel(now=False)
    print(manager.is_alive())
"""


@needs("ipykernel", "jupyter_client")
def test_a_notebook_calls_the_blocking_client_quietly_and_awaits_the_async_one(tmp_path: Path, box: Sandbox) -> None:
    with started(tmp_path, box, script(tmp_path, NOTEBOOK)) as host:
        assert host.ended(40) == 0, host.err
    assert host.out.splitlines() == ["True", "True", "[True]", "True", "(True, True)", "False"]
    assert recipients(box) == numbers(5)


# Event loops

MANY_LOOPS = """
    import asyncio
    import threading
    from sepahan_sms import AsyncSepahan
    from smscore import ClientClosed

    client = AsyncSepahan()
    before = sockets()

    async def send_twice(place):
        reports = [await client.send(f"0935{2 * place + turn:07}", "سلام") for turn in (0, 1)]
        return all(report.ok for report in reports)
"""


def test_an_async_client_serves_one_event_loop_after_the_other(tmp_path: Path, box: Sandbox, relay: Relay) -> None:
    text = (
        MANY_LOOPS
        + """
    for place in range(3):
        print(asyncio.run(send_twice(place)), sockets() - before)
    """
    )
    assert run(tmp_path, box, text, url=relay.url) == (0, "True 0\nTrue 0\nTrue 0", "")
    assert recipients(box) == numbers(6)
    assert relay.made == 3


def test_an_async_client_serves_two_event_loops_at_once(tmp_path: Path, box: Sandbox, relay: Relay) -> None:
    text = (
        MANY_LOOPS
        + """
    both = threading.Barrier(2)

    async def work(first):
        for place in range(first, 10, 2):
            both.wait(10)
            assert await send_twice(place)
        both.wait(10)

    threads = [threading.Thread(target=asyncio.run, args=(work(first),)) for first in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(sockets() - before)
    """
    )
    assert run(tmp_path, box, text, url=relay.url) == (0, "0", "")
    assert recipients(box) == numbers(20)
    assert relay.made == relay.most_open == 2


def test_closing_in_one_loop_closes_the_connections_of_another(tmp_path: Path, box: Sandbox) -> None:
    text = (
        MANY_LOOPS
        + """
    sent, closed = threading.Event(), threading.Event()
    answers = []

    async def stay():
        own = sockets()
        assert await send_twice(0)
        sent.set()
        for _ in range(500):
            await asyncio.sleep(0.01)
            if closed.is_set() and sockets() == own:
                break
        answers.append(sockets() - own)
        try:
            await send_twice(9)
        except ClientClosed:
            answers.append("closed")

    async def close():
        assert await send_twice(1)
        await client.aclose()

    thread = threading.Thread(target=lambda: asyncio.run(stay()))
    thread.start()
    sent.wait(10)
    asyncio.run(close())
    closed.set()
    thread.join()
    print(answers, sockets() - before)
    """
    )
    assert run(tmp_path, box, text) == (0, "[0, 'closed'] 0", "")
    assert recipients(box) == numbers(4)


def test_a_loop_that_ends_in_the_middle_of_a_send_leaves_nothing_open(tmp_path: Path, box: Sandbox) -> None:
    text = (
        MANY_LOOPS
        + """
    async def leave():
        stream = client.send_stream((f"0936{place:07}" for place in range(5000)), "سلام")
        assert (await anext(stream)).ok
        task = asyncio.create_task(send_twice(7))
        await asyncio.sleep(0)

    for _ in range(3):
        asyncio.run(leave())
    print(asyncio.run(send_twice(0)), sockets() - before)
    """
    )
    assert run(tmp_path, box, text) == (0, "True 0", "")
    assert recipients(box)[:2] == numbers(2)


LOOP_A_TEST = """
import asyncio

import pytest
import re

from sepahan_sms import AsyncSepahan

client = AsyncSepahan()


@pytest.mark.parametrize("place", range(4))
async def test_each_in_a_loop_of_its_own(place):
    assert (await client.send(f"0935{place:07}", "سلام")).ok
    assert (await client.send([f"0935{place + 4:07}"], "سلام")).ok


def test_without_a_loop():
    assert asyncio.run(client.send("09350000008", "سلام")).ok


@pytest.fixture
async def report():
    return await client.send("09350000009", "سلام")


async def test_in_a_fixture_and_its_test(report):
    assert report.ok
    assert (await client.send("09350000010", "سلام")).ok
"""


def test_function_scoped_loops_of_pytest_asyncio_share_a_client(tmp_path: Path, box: Sandbox, relay: Relay) -> None:
    (tmp_path / "test_inner.py").write_text(LOOP_A_TEST, "utf-8")
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n"
    )
    command = ("-X", "dev", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    with started(tmp_path, box, *command, url=relay.url) as host:
        assert host.ended(30) == 0, host.out
    assert "6 passed" in host.out
    assert "warning" not in host.out
    assert host.err == ""
    assert recipients(box) == numbers(11)
    assert relay.made == 6


# Threads


@needs("gevent")
def test_a_process_that_gevent_has_patched_makes_no_blocking_client(tmp_path: Path, box: Sandbox) -> None:
    text = """
        from gevent import monkey
        monkey.patch_all()

        from ippanel_sms import IPPanel
        from najva_sms import Najva
        from sepahan_sms import Sepahan
        from smscore import ConfigurationError

        for kind in (Sepahan, IPPanel, Najva):
            try:
                kind("token")
            except ConfigurationError as error:
                print("gevent" in str(error))
    """
    with started(tmp_path, box, script(tmp_path, text)) as host:
        assert host.ended() == 0, host.err
    assert host.out.splitlines() == ["True"] * 3


@needs("gevent")
@pytest.mark.parametrize("patch", ["patch_all()", "patch_all(thread=False)", "patch_thread()", "patch_queue()"])
@pytest.mark.parametrize("before", ["", "client.credit()"], ids=["never used", "used before"])
def test_a_client_that_was_made_before_gevent_patched_says_so(
    tmp_path: Path, box: Sandbox, patch: str, before: str
) -> None:
    text = f"""
        import gevent.monkey, os
        from sepahan_sms import Sepahan
        from smscore import ConfigurationError

        client, begun = Sepahan(), Sepahan().send_stream(["09350000000"] * 500, "سلام")
        {before and before + "; next(begun)"}
        gevent.monkey.{patch}

        for call in (client.credit, lambda: next(client.send_stream(["09350000000"], "سلام")), lambda: next(begun)):
            try:
                call()
            except ConfigurationError as error:
                print("gevent" in str(error), flush=True)
        os._exit(0)  # gevent itself complains of the threads that were there before
    """
    with started(tmp_path, box, script(tmp_path, text)) as host:
        assert host.ended() == 0, host.err
    assert host.out.splitlines() == ["True"] * 3


@needs("gevent")
def test_gevent_that_is_only_imported_is_not_a_hindrance(tmp_path: Path, box: Sandbox) -> None:
    text = """
        import gevent.monkey
        from sepahan_sms import Sepahan

        print(Sepahan().send("09350000000", "سلام").ok)
    """
    with started(tmp_path, box, script(tmp_path, text)) as host:
        assert host.ended() == 0, host.err
    assert host.out == "True"
    assert recipients(box) == numbers(1)


def test_32_threads_share_one_client_and_its_connections(tmp_path: Path, box: Sandbox, relay: Relay) -> None:
    text = """
        import threading
        from sepahan_sms import Sepahan

        together = threading.Barrier(32)
        done = []

        def work(first):
            together.wait()
            for place in range(first, 320, 32):
                done.append(client.send(f"0935{place:07}", "سلام").ok)

        with Sepahan() as client:
            threads = [threading.Thread(target=work, args=(first,)) for first in range(32)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        print(len(done), all(done), sockets())
    """
    code, out, err = run(tmp_path, box, text, url=relay.url)
    assert (code, err) == (0, "")
    assert out.startswith("320 True")
    assert recipients(box) == numbers(320)
    assert 1 <= relay.made <= 32
    assert relay.most_open <= 32
