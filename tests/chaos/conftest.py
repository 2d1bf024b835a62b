"""What the kill table needs: a sandbox of its own process, and servers that may die."""

from collections.abc import Iterator

import pytest
from ledger import Ledger


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with Ledger() as books:
        yield books
