"""An asyncio service that reminds people, keeps a journal, and tells what may be sent again."""

from __future__ import annotations

import asyncio
import logging

from sepahan_sms import AsyncSepahan
from smscore import BatchEvent, PartialSendError, SendReport, SMSError

log = logging.getLogger("reminders")


def journal(event: BatchEvent) -> None:
    """What outlives a crash: write it to your database in place of the log."""
    log.info("batch %d, request %s: %s", event.index, event.request_id, event.state)


async def remind(client: AsyncSepahan, numbers: list[str], text: str) -> SendReport:
    """The report of a send that went, at least in part."""
    try:
        return await client.send(numbers, text, on_batch=journal)
    except PartialSendError as error:
        again = [result.recipient for result in error.report.not_sent]
        log.warning("%d may be sent again, %d are unknown", len(again), len(error.report.unknown))
        return error.report


async def main() -> None:
    async with AsyncSepahan() as client:  # SEPAHAN_TOKEN, SEPAHAN_SENDER
        try:
            report = await remind(client, ["09123456789", "09351234567"], "یادآوری: نوبت شما فرداست.")
        except SMSError as error:
            log.error("nobody was reminded: %s", error)  # noqa: TRY400  # the text says what to do
            return
        for status in await client.status(report.message_ids):
            print(status.message_id, status.status.value)


if __name__ == "__main__":
    asyncio.run(main())
