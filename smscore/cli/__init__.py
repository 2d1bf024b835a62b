"""The command ``payamak``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command, or say which extra it needs."""
    try:
        from smscore.cli.commands import payamak
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        sys.exit("The command needs the extra 'cli': python3 -m pip install 'payamak[cli]'")
    payamak(prog_name="payamak")
