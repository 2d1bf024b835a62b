"""IPPanel's own published client, ``ippanel-python-sdk``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from ippanel import Client

THREADS = 50


def codes_one_by_one(url: str, to: list[str], text: str) -> int:
    client = Client("token", base_url=f"{url}/api")
    return sum(client.send_webservice(text, "+983000505", [number])["meta"]["status"] for number in to)


def codes_at_once(url: str, to: list[str], text: str) -> int:
    client = Client("token", base_url=f"{url}/api")
    with ThreadPoolExecutor(THREADS) as threads:
        answers = threads.map(lambda number: client.send_webservice(text, "+983000505", [number]), to)
        return sum(answer["meta"]["status"] for answer in answers)
