"""``manage.py sms_send``."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from smscore.contrib.django import conf
from smscore.contrib.django.facade import sms
from smscore.errors import SMSError


class Command(BaseCommand):
    """Sends one text to a few numbers now, or enqueues it."""

    help = "Send one text to one or more numbers now, or enqueue it for sms_worker."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The arguments."""
        parser.add_argument("numbers", nargs="+", help="such as 09123456789")
        parser.add_argument("--text", required=True)
        parser.add_argument("--account", default=conf.DEFAULT)
        parser.add_argument("--sender", help="the line that it is sent from (default: the account's)")
        parser.add_argument("--enqueue", action="store_true", help="put it into the queue")
        parser.add_argument("--key", help="with --enqueue: the same key never sends twice")

    def handle(self, *_: Any, **options: Any) -> None:
        """Send, and print what became of it; numbers are masked."""
        if options["key"] and not options["enqueue"]:
            raise CommandError("--key is for --enqueue.")
        try:
            account = sms[options["account"]]
            if options["enqueue"]:
                given = {"key": options["key"], "sender": options["sender"]}
                campaign = account.enqueue(options["numbers"], options["text"], **given)
                self.stdout.write(f"Enqueued as campaign {campaign.id}.")
                return
            report = account.send(options["numbers"], options["text"], sender=options["sender"])
        except SMSError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Accepted {len(report.accepted)} of {len(report)}.")
