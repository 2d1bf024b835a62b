"""``manage.py sms_credit``."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from smscore.contrib.django import conf
from smscore.contrib.django.facade import sms
from smscore.errors import SMSError
from smscore.profile import Capability


class Command(BaseCommand):
    """Prints the credit of each account."""

    help = "Print the remaining credit of each account, or of those named, in Rials."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The arguments."""
        parser.add_argument("accounts", nargs="*", help="names in PAYAMAK (default: all with a PROVIDER)")

    def handle(self, *_: Any, **options: Any) -> None:
        """Ask and print; ends with an error if an account could not be asked."""
        every = conf.accounts()
        failed: list[str] = []
        for name in options["accounts"] or [name for name, one in every.items() if not one.failover]:
            try:
                account = sms[name]
                able = Capability.TELLS_CREDIT in account.capabilities
                self.stdout.write(f"{name}: {account.credit() if able else 'cannot tell: the provider has no call'}")
            except SMSError as error:
                failed.append(name)
                self.stderr.write(f"{name}: {error}")
        if failed:
            raise CommandError(f"Could not ask: {', '.join(failed)}.")
