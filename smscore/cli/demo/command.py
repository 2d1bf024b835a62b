"""``payamak demo``."""

from __future__ import annotations

import click

from smscore.cli.options import output_options
from smscore.cli.output import Output
from smscore.cli.signals import run_to_the_end


@click.command()
@output_options
def demo(output: Output) -> int:
    """Start a sandbox, send thousands of messages to it through every installed provider, and show the results.

    Nothing leaves this machine. The exit code is 0 only if every number matches what the sandbox received.

    \b
    Example:
      payamak demo
    """
    from smscore.cli.demo.display import Display, Records
    from smscore.cli.demo.run import run_demo

    adds_up = run_to_the_end(run_demo(Records(output) if output.json else Display()))
    return 0 if adds_up else 1
