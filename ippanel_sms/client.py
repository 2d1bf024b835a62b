"""The async client of IPPanel Edge: its calls are in send_calls, report_calls and account_calls."""

from __future__ import annotations

from typing import ClassVar

from ippanel_sms.account_calls import AccountCalls
from ippanel_sms.profile import PROFILE
from ippanel_sms.report_calls import ReportCalls
from ippanel_sms.send_calls import SendCalls
from smscore.profile import Profile

__all__ = ["AsyncIPPanel"]


class AsyncIPPanel(SendCalls, ReportCalls, AccountCalls):
    """Send through IPPanel Edge, from asyncio.

    Settings left out are read from ``IPPANEL_TOKEN``, ``IPPANEL_SENDER`` and ``IPPANEL_BASE_URL``; a base URL is
    taken with and without ``/api`` at its end. Senders go out as E.164, such as ``+983000505``, from any
    spelling; a line such as ``+98BANK`` goes as it stands.
    """

    profile: ClassVar[Profile] = PROFILE
