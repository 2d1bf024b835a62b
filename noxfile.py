"""Sessions: tests, plugin, lint and types. Plain ``nox`` runs these four."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv"
nox.options.sessions = ["tests", "plugin", "lint", "types"]
nox.options.error_on_missing_interpreters = False  # a machine with one Python runs what it can
nox.options.download_python = "never"

# Hundreds of tests start a Python of their own. Without its cache each of them compiles aiohttp, Django and the rest
# again, which is half of the time that it takes.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# One more than there are cores: many tests wait for a process or a server.
WORKERS = str((os.cpu_count() or 1) + 1)
PYTHONS = ("3.11", "3.12", "3.13")
# Only a test that hangs takes as long (in seconds): it ends there, and is told where it stood.
UNHUNG = ["-o", "faulthandler_timeout=900", "-o", "faulthandler_exit_on_timeout=true"]
# Coverage is of the oldest; the widest tables run there alone.
OPTIONS = {"3.11": ["--cov"], "3.12": ["-m", "not exhaustive"], "3.13": ["-m", "not exhaustive"]}
# pyproject.toml has the only list of packages, so that a new provider is named there alone.
_PROJECT = nox.project.load_toml("pyproject.toml")
PACKAGES = [name for name in _PROJECT["tool"]["coverage"]["run"]["source_pkgs"] if Path(name).is_dir()]


def install_wheel(session: nox.Session, *groups: str) -> None:
    folder = Path(session.create_tmp()).resolve()
    for old in folder.glob("*.whl"):
        old.unlink()
    session.run("uv", "build", "--wheel", "--quiet", "--out-dir", str(folder), silent=True)
    (wheel,) = folder.glob("*.whl")
    session.install(f"payamak[cli] @ {wheel.as_uri()}", *(part for group in groups for part in ("--group", group)))


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The built wheel, on every Python that is found; branch coverage is gated on the oldest, which is always there."""
    install_wheel(session, "test")
    # Without the safe path, `-m` would import the checkout in place of the wheel.
    environment = {"PYTHONSAFEPATH": "1", "PAYAMAK_WHEEL": "1", "HYPOTHESIS_PROFILE": "same"}
    options = session.posargs or ["-n", WORKERS, *OPTIONS[str(session.python)]]
    session.run("python", "-m", "pytest", *UNHUNG, *options, env=environment)


@nox.session(python=PYTHONS[0])
def plugin(session: nox.Session) -> None:
    """A provider of another distribution, installed beside the wheel."""
    install_wheel(session, "plugin")
    session.install("--no-deps", "./examples/provider_plugin")
    session.chdir("examples/provider_plugin")
    session.run("python", "-m", "pytest", *session.posargs, env={"PYTHONSAFEPATH": "1"})


@nox.session(python=PYTHONS[0])
def house(session: nox.Session) -> None:
    """How the code is laid out, in figures."""
    session.install("-e", ".[cli]")
    session.run("python", "benchmarks/house.py", *session.posargs)


@nox.session(python=PYTHONS[0])
def lint(session: nox.Session) -> None:
    session.install("--group", "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("codespell")
    session.run("zizmor", "--offline", "--quiet", ".github")
    session.run("towncrier", "build", "--draft", "--version", "next", silent=True)


@nox.session(python=PYTHONS[0])
def types(session: nox.Session) -> None:
    install_wheel(session, "types")
    session.run("mypy")
    session.run("basedpyright")
    for package in PACKAGES:
        session.run("basedpyright", "--verifytypes", package, "--ignoreexternal", silent=True)


@nox.session(python=PYTHONS[0])
def docs(session: nox.Session) -> None:
    """The site in English and Persian, without a warning, its links checked; it is built in site/."""
    install_wheel(session, "docs")
    build = ["sphinx-build", "--quiet", "--fail-on-warning", "--keep-going", "--fresh-env", "--conf-dir", "docs"]
    session.run(*build, "docs", "site")
    session.run(*build, "--tag", "fa", "docs/fa", "site/fa")
    session.run("python", "docs/check_site.py", "site")


@nox.session(python=PYTHONS[0])
def thorough(session: nox.Session) -> None:
    """The state machines of faults, sends and money, and of the queue's promises, over 2,000 runs."""
    install_wheel(session, "test")
    session.run(
        "pytest",
        "tests/sending/test_money.py",
        "tests/queue/test_promises.py",
        *session.posargs,
        env={"HYPOTHESIS_PROFILE": "thorough"},
    )


@nox.session(python=PYTHONS[0])
def browser(session: nox.Session) -> None:
    """The sandbox's page in a Chromium from the PATH; ``-- --pictures=docs/images`` takes its pictures anew."""
    install_wheel(session, "browser", "test")
    session.run("python", "-m", "pytest", "tests/browser", *session.posargs, env={"PYTHONSAFEPATH": "1"})


@nox.session(python=PYTHONS[0])
def soak(session: nox.Session) -> None:
    """A minute of random faults and thousands of sends, and as long a load on the sandbox; SOAK_SECONDS is how long."""
    install_wheel(session, "test")
    session.run("pytest", "-s", "tests/soak.py", "tests/soak_sandbox.py", *session.posargs)


@nox.session(python=PYTHONS[0])
def uvloop(session: nox.Session) -> None:
    """The whole suite on uvloop, in the tests' own loops and in the thread of the blocking clients."""
    install_wheel(session, "test")
    session.install("uvloop>=0.21")
    environment = {"PYTHONSAFEPATH": "1", "PAYAMAK_WHEEL": "1", "PAYAMAK_TEST_UVLOOP": "1"}
    session.run("python", "-m", "pytest", *UNHUNG, *(session.posargs or ["-n", WORKERS]), env=environment)


@nox.session(python=PYTHONS[0])
def idle(session: nox.Session) -> None:
    """Ten thousand sends with gaps around their servers' idle limits; IDLE_SENDS is how many to each of eight."""
    install_wheel(session, "test")
    session.run("pytest", "-s", "tests/idle.py", *session.posargs)


@nox.session(python=PYTHONS[0])
def chaos(session: nox.Session) -> None:
    """The queue's kill table: CHAOS_KILLS (100) on each engine, with servers of its own; the books are the truth."""
    install_wheel(session, "test")
    session.run("python", "-m", "pytest", "-s", "tests/chaos", *session.posargs, env={"PYTHONSAFEPATH": "1"})


@nox.session(python=PYTHONS[0])
def servers(session: nox.Session) -> None:
    """The Django shop under gunicorn, uvicorn and runserver, on SQLite and PostgreSQL; SERVER_REQUESTS (200) each."""
    install_wheel(session, "test")
    session.run("python", "-m", "pytest", "tests/servers.py", *session.posargs, env={"PYTHONSAFEPATH": "1"})


@nox.session(python=PYTHONS[0])
def schemathesis(session: nox.Session) -> None:
    """The sandbox's REST interface against its own OpenAPI description."""
    install_wheel(session, "test", "schemathesis")
    session.run("pytest", "tests/openapi.py", *session.posargs)


@nox.session(python=PYTHONS[0])
def bench(session: nox.Session) -> None:
    """Payamak beside hand-written aiohttp and beside what people use today; the results go to benchmarks/RESULTS.md."""
    install_wheel(session, "bench")
    session.run("python", "benchmarks/run.py", *session.posargs)
    if not session.posargs:
        session.run("python", "benchmarks/tracking.py")


@nox.session(python=PYTHONS[0])
def threads_bench(session: nox.Session) -> None:
    """A blocking client in 1 to 64 threads, on asyncio's loop and on uvloop; ``-- --count 500`` for a quick look."""
    install_wheel(session, "bench")
    session.install("uvloop>=0.21")
    session.run("python", "benchmarks/blocking_threads.py", *session.posargs)


@nox.session(python=PYTHONS[0])
def queue_bench(session: nox.Session) -> None:
    """The queue on SQLite and on a PostgreSQL of its own; ``-- --only speed`` measures one part alone."""
    install_wheel(session, "test", "bench")
    session.run("python", "benchmarks/queue_bench.py", *session.posargs)


@nox.session(python=PYTHONS[0])
def admin_bench(session: nox.Session) -> None:
    """Each page of Django's admin over a million messages in a PostgreSQL of its own."""
    install_wheel(session, "test", "bench")
    session.run("python", "benchmarks/admin.py", *session.posargs)


@nox.session(python=PYTHONS[0])
def instructions(session: nox.Session) -> None:
    """The same jobs in instructions, which other load does not change; ``-- --job codes_one_by_one`` is one alone."""
    if shutil.which("valgrind") is None:
        session.skip("valgrind is not installed, and it counts them")
    install_wheel(session, "bench")
    session.run("python", "benchmarks/instructions.py", *session.posargs)


@nox.session(python=PYTHONS[0])
def mutation(session: nox.Session) -> None:
    """Mutants of the pure decisions; what survives is listed at the end."""
    session.install("-e", ".[cli]", "--group", "test", "mutmut>=3.3")
    session.run("mutmut", "run", silent=True, success_codes=[0, 1])
    session.run("mutmut", "results")
