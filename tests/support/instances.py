"""PostgreSQL, PgBouncer, Redis and RabbitMQ servers of a test's own, which it may kill and start again at will."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

__all__ = ["PgBouncer", "PostgresServer", "RabbitServer", "RedisServer", "Server", "free_port"]

_START_SECONDS: Final = 90


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Server:
    """A server with a folder and a port of its own. Used in a ``with`` block; its folder is deleted afterwards."""

    program: str
    user = ""  # the server refuses to run as root, and runs as this user there

    def __init__(self) -> None:
        if shutil.which(self.program, path=self._path()) is None:
            raise FileNotFoundError(f"{self.program} is not installed here")
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="payamak-"))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        if self._runs_as() is not None:
            shutil.chown(self.folder, self.user)
        self.prepare()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def prepare(self) -> None:
        """Make what the server needs in its folder."""

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        return {}

    def is_ready(self) -> bool:
        return self._listens()

    def start(self) -> None:
        """Start it, and return once it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **self._as()
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self.is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.program} does not start: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """Let it die at once, without a chance to write anything."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        while self._listens():  # the kernel closes it a moment later
            time.sleep(0.01)

    def _listens(self) -> bool:
        with socket.socket() as ours:
            ours.settimeout(1)
            return ours.connect_ex(("127.0.0.1", self.port)) == 0

    def run(self, *command: str) -> None:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", **self._as())
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {done.stderr.strip()}")

    def _runs_as(self) -> str | None:
        return self.user if self.user and os.geteuid() == 0 else None

    def _as(self) -> dict[str, Any]:
        options: dict[str, Any] = {
            "cwd": self.folder,
            "env": {**os.environ, "PATH": self._path(), **self.environment()},
        }
        user = self._runs_as()
        if user is not None:
            options |= {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
        return options

    def _path(self) -> str:
        return os.environ.get("PATH", os.defpath)


class PostgresServer(Server):
    """A PostgreSQL cluster; ``settings`` such as ``synchronous_commit="off"`` are the whole cluster's."""

    program = "initdb"
    user = "postgres"

    def __init__(self, **settings: str) -> None:
        super().__init__()
        self._settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
            "shared_buffers": "32MB",
            **settings,
        }

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def prepare(self) -> None:
        self.run("initdb", "-D", "data", "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8")

    def command(self) -> Sequence[str]:
        return ["postgres", "-D", "data", *(f"--{name}={value}" for name, value in self._settings.items())]

    def is_ready(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def kill(self) -> None:
        """``-m immediate``: no checkpoint, and no transaction ends."""
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGQUIT)
            process.wait()  # its children have ended too; killing it alone would leave them with the shared memory
        self._process = None

    def _path(self) -> str:
        folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
        return os.pathsep.join([*map(str, reversed(folders)), super()._path()])


class PgBouncer(Server):
    """A PgBouncer with transaction pooling before a PostgreSQL: ``size`` connections for all of its clients."""

    program = "pgbouncer"
    user = "postgres"

    def __init__(self, database: PostgresServer, size: int) -> None:
        super().__init__()
        self._database, self._size = database, size

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def prepare(self) -> None:
        (self.folder / "pgbouncer.ini").write_text(
            f"""[databases]
* = host=127.0.0.1 port={self._database.port} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {self._size}
max_client_conn = 200
"""
        )

    def command(self) -> Sequence[str]:
        return [self.program, "pgbouncer.ini"]

    def _path(self) -> str:
        return os.pathsep.join([super()._path(), "/usr/sbin"])


class RedisServer(Server):
    """A Redis that writes nothing to disk: a killed one loses every job that it held."""

    program = "redis-server"

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> Sequence[str]:
        return [self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]


class RabbitServer(Server):
    """A RabbitMQ node of its own."""

    program = "rabbitmq-server"

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def prepare(self) -> None:
        (self.folder / "rabbitmq.conf").write_text("log.console = true\nlog.console.level = error\n")
        (self.folder / "plugins").write_text("[].\n")

    def command(self) -> Sequence[str]:
        return [self.program]

    def environment(self) -> Mapping[str, str]:
        folder = str(self.folder)
        return {
            "HOME": folder,
            "RABBITMQ_NODENAME": f"payamak{self.port}@localhost",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/log.d",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
        }

    def __init__(self) -> None:
        super().__init__()
        self._dist_port = free_port()

    def _path(self) -> str:
        # Debian's wrapper in /usr/sbin changes the user.
        return os.pathsep.join(["/usr/lib/rabbitmq/bin", super()._path()])
