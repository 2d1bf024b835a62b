"""The command ``payamak``."""

from __future__ import annotations

import logging
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command, or name the extra that it needs."""
    from smscore.cli.signals import leave_on_ctrl_c
    from smscore.cli.streams import prepare_streams

    leave_on_ctrl_c()
    prepare_streams()
    try:
        from smscore.cli.commands import payamak
    except ModuleNotFoundError as error:
        if error.name not in ("click", "rich"):
            raise
        sys.exit("The command needs the extra cli: python3 -m pip install 'payamak[cli]'")
    # The command prints errors itself: without a handler, Python would print the library's warnings too.
    logging.getLogger("smscore").addHandler(logging.NullHandler())
    payamak(prog_name="payamak")
