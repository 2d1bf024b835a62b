"""How signals end what a command is sending: in order, then without waiting, then immediately."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from attrs import define, field

from smscore.cli.output import Output, as_json
from smscore.stop_signals import HANGUP


@define
class Stop:
    """Ends a send: the first signal lets what is in progress finish, the second cancels it, the third exits.

    A closed terminal is only ever a first one: nobody is there who is in a hurry, and its signal comes several times.
    """

    output: Output
    first_words: str
    """Printed for the first."""
    last_words: str
    """Printed for the third."""
    _has_begun: bool = field(default=False, init=False)
    _count: int = field(default=0, init=False)
    _finish: Callable[[], object] | None = field(default=None, init=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False)

    async def guard(self, finish: Callable[[], object], sending: Coroutine[Any, Any, None]) -> None:
        """Run ``sending`` so that signals end it; ``finish`` lets it begin nothing more, from a signal handler."""
        self._finish, self._task = finish, asyncio.ensure_future(sending)
        if self._has_begun:
            finish()
        try:
            await self._task
        except asyncio.CancelledError:
            if self._count < 2:
                raise
            # It came while the client was being closed: by then every result is known.

    def on_signal(self, number: int) -> str | None:
        """Take a signal, at any point of the main thread; the last words for the third."""
        begins, self._has_begun = not self._has_begun, True
        self._count += number != HANGUP
        if self._finish is not None:
            self._finish()
        if self._task is not None and not self._task.done():
            if begins:
                self._task.get_loop().call_soon_threadsafe(self._tell)
            elif self._count > 1 and number != HANGUP:
                self._task.get_loop().call_soon_threadsafe(self._task.cancel)
        if self._count < 3:
            return None
        return as_json("note", {"text": self.last_words}) if self.output.json else self.last_words

    def _tell(self) -> None:
        self.output.note(self.first_words)
