"""``requests`` in a loop, with a session, as scripts have it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import requests

THREADS = 50


def session() -> requests.Session:
    opened = requests.Session()
    opened.headers["Authorization"] = "token"
    return opened


def najva_bulk(url: str, to: list[str], text: str) -> int:
    ids: list[int] = []
    with session() as http:
        for start in range(0, len(to), 10_000):
            body = {"message": text, "sender": "90000123", "receivers": to[start : start + 10_000]}
            response = http.post(f"{url}/v2/sms/send", json=body)
            response.raise_for_status()
            ids += [entry["messageid"] for entry in response.json()["entries"]]
    return len(ids)


def sepahan_bulk(url: str, to: list[str], text: str) -> int:
    ids: list[int] = []
    with session() as http:
        for start in range(0, len(to), 100):
            body = {"senderNumbers": ["50003300"], "reciverNumbers": to[start : start + 100], "smsTexts": [text]}
            response = http.post(f"{url}/api/Sms/Send", json=body, headers={"requestId": f"campaign-{start}"})
            response.raise_for_status()
            ids += response.json()["value"]["ids"]
    return len(ids)


def one_code(http: requests.Session, url: str, to: str, text: str) -> bool:
    body = {"sending_type": "webservice", "from_number": "+983000505", "message": text, "params": {"recipients": [to]}}
    response = http.post(f"{url}/api/send", json=body)
    response.raise_for_status()
    return bool(response.json()["data"]["message_outbox_ids"])


def codes_one_by_one(url: str, to: list[str], text: str) -> int:
    with session() as http:
        return sum(one_code(http, url, number, text) for number in to)


def codes_at_once(url: str, to: list[str], text: str) -> int:
    with session() as http, ThreadPoolExecutor(THREADS) as threads:
        return sum(threads.map(lambda number: one_code(http, url, number, text), to))


def najva_status(url: str, ids: list[int], _: str) -> int:
    codes: list[int] = []
    with session() as http:
        for start in range(0, len(ids), 1_000):
            response = http.post(f"{url}/v2/sms/status", json={"messageids": ids[start : start + 1_000]})
            response.raise_for_status()
            codes += [entry["status"] for entry in response.json()["entries"]]
    return codes.count(10)
