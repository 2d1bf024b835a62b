"""A script that sends one text to the column ``mobile`` of a CSV file: ``python3 script.py customers.csv``."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from najva_sms import Najva
from smscore import Outcome


def main(path: str) -> int:
    refused = 0
    with Path(path).open(newline="", encoding="utf-8-sig") as file, Najva() as najva:  # NAJVA_TOKEN, NAJVA_SENDER
        mobiles = (row["mobile"] for row in csv.DictReader(file))
        for report in najva.send_stream(mobiles, "حراج از فردا شروع می‌شود."):
            for row, result in enumerate(report, report.offset + 1):
                if result.outcome is not Outcome.ACCEPTED:
                    refused += 1
                    print(f"row {row}: {result.outcome.value}: {result.error}")
            print(f"{len(report.accepted)} accepted, from row {report.offset + 1} on")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
