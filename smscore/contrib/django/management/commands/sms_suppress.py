"""``manage.py sms_suppress``."""

from __future__ import annotations

from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from smscore.contrib.django.database import DjangoDatabase
from smscore.errors import SMSError
from smscore.queue.store import suppression
from smscore.sending.outgoing import checked_numbers


class Command(BaseCommand):
    """Suppresses numbers, or lets messages go to them again."""

    help = "Send nothing to these numbers from now on, or with --remove send to them again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The arguments."""
        parser.add_argument("numbers", nargs="+", help="such as 09123456789")
        parser.add_argument("--remove", action="store_true", help="take them off the list")

    def handle(self, *_: Any, **options: Any) -> None:
        """Change the list."""
        try:
            numbers = checked_numbers(options["numbers"])
            change = suppression.remove if options["remove"] else suppression.add
            DjangoDatabase().write(partial(change, numbers=numbers))
        except SMSError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{len(numbers)} {'removed' if options['remove'] else 'suppressed'}.")
