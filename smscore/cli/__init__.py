"""The command ``payamak``."""

from __future__ import annotations

import io
import logging
import os
import sys
from pathlib import Path
from typing import Final

_STREAMS: Final = {"stdin": "r", "stdout": "w", "stderr": "w"}


def main() -> None:
    """Run the command, or say which extra it needs."""
    for name, mode in _STREAMS.items():
        if getattr(sys, name) is None:  # closed by who started this; no file that is opened later may take its place
            nowhere = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 (it is for as long as we run)
            setattr(sys, name, nowhere)
    try:
        from smscore.cli.commands import payamak
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        sys.exit("The command needs the extra 'cli': python3 -m pip install 'payamak[cli]'")
    # What the core logs, the command tells in its own words.
    logging.getLogger("smscore").addHandler(logging.NullHandler())
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Persian must come out whatever the locale; a message that was received cannot be received again.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    payamak(prog_name="payamak")
