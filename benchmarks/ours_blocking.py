"""Payamak's blocking clients."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from ours import AT_ONCE, DELIVERED, PATIENT

from ippanel_sms import IPPanel
from najva_sms import Najva
from sepahan_sms import Sepahan
from smscore import RetryPolicy

THREADS = 50  # what a web server has at most


def najva_bulk(url: str, to: list[str], text: str) -> int:
    with Najva("token", sender="90000123", base_url=url, max_concurrency=AT_ONCE) as client:
        return len(client.send(to, text).accepted)


def sepahan_bulk(url: str, to: list[str], text: str) -> int:
    with Sepahan("token", sender="50003300", base_url=url, max_concurrency=AT_ONCE) as client:
        return len(client.send(to, text).accepted)


def ippanel(url: str) -> IPPanel:
    return IPPanel("token", sender="+983000505", base_url=url, retry=RetryPolicy.none(), timeout=PATIENT)


def codes_one_by_one(url: str, to: list[str], text: str) -> int:
    with ippanel(url) as client:
        return sum(client.send(number, text).ok for number in to)


def codes_at_once(url: str, to: list[str], text: str) -> int:
    with ippanel(url) as client, ThreadPoolExecutor(THREADS) as threads:
        return sum(report.ok for report in threads.map(lambda number: client.send(number, text), to))


def najva_status(url: str, ids: list[int], _: str) -> int:
    with Najva("token", base_url=url, max_concurrency=AT_ONCE) as client:
        return [one.code for one in client.status(ids)].count(DELIVERED)
