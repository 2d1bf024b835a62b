"""A sandbox in a process of its own: what it accepted is the truth that a queue's database is compared with.

Run as a program it serves one, and does what its standard input says: a line of JSON each, answered by a line of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from types import TracebackType
from typing import Any, Final, Self

import attrs

__all__ = ["Accepted", "Ledger"]

_KEPT: Final = 20_000_000
_ENDLESS: Final = 10**15  # rials: a long run must not end because its credit has


@attrs.frozen
class Accepted:
    """A message that the provider accepted; ``at`` is in seconds since the epoch."""

    provider: str
    recipient: str = attrs.field(repr=False)
    text: str = attrs.field(repr=False)
    message_id: int
    at: float


class Ledger:
    """The sandbox's process, for as long as the ``with`` block."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )
        self.environment: dict[str, str] = self._ask("environment")
        self.set_credit("sepahan", _ENDLESS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def fail(self, kind: str, **options: Any) -> None:
        """The same as ``Sandbox.fail``."""
        self._ask("fail", kind, **options)

    def clear_faults(self) -> None:
        self._ask("clear_faults")

    def set_webhook(self, url: str | None) -> None:
        self._ask("set_webhook", url)

    def set_credit(self, provider: str, rials: int) -> None:
        self._ask("set_credit", provider, self.environment[f"{provider.upper()}_TOKEN"], rials)

    def accepted(self) -> list[Accepted]:
        """Every message that was accepted, oldest first."""
        return [Accepted(*row) for row in self._ask("accepted")]

    def times(self) -> Counter[tuple[str, str, str]]:
        """How often each (provider, recipient, text) was accepted."""
        return Counter((one.provider, one.recipient, one.text) for one in self.accepted())

    def _ask(self, name: str, *arguments: Any, **options: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([name, arguments, options]) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["is"]


def _serve() -> None:
    from smscore.sandbox import Sandbox

    with Sandbox(keep=_KEPT) as box:

        def accepted() -> list[list[object]]:
            return [[m.provider, m.recipient, m.text, m.message_id, m.received_at.timestamp()] for m in box.messages]

        for line in sys.stdin:
            name, arguments, options = json.loads(line)
            try:
                if name == "accepted":
                    answer: object = accepted()
                else:
                    found = getattr(box, name)
                    answer = found(*arguments, **options) if callable(found) else found
                print(json.dumps({"is": answer}), flush=True)
            except (ValueError, KeyError) as error:
                print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)


if __name__ == "__main__":
    _serve()
