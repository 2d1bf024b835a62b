"""Ids and places that are never given twice, also not after the sandbox is killed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from smscore.sandbox.memory.store import Store, StoreError

__all__ = ["RESERVED_AHEAD", "Numbering"]

RESERVED_AHEAD: Final = 1000  # numbers that one write reserves, so that few sends wait for the disk


class Numbering:
    """Counts the providers' ids, and reserves numbers in the store before they are given.

    The messages of the last quarter of a second are lost with a killed process, but a client may know their ids
    already: the next run starts beyond everything that was reserved.
    """

    def __init__(self, first_ids: Mapping[str, int], store: Store) -> None:
        self.next: dict[str, int] = dict(first_ids)
        self._store = store
        self._reserved: dict[str, int] = {}

    def next_id(self, provider: str) -> int:
        """The next id of a provider."""
        given = self.next[provider]
        self.reserve(f"id:{provider}", given)
        self.next[provider] = given + 1
        return given

    def reserve(self, name: str, number: int) -> None:
        """Reserve a number, and many after it, unless that is done already."""
        if number >= self._reserved.get(name, number):
            upto = number + RESERVED_AHEAD
            # The next save fails as well, and is the one to report it; the next number tries again.
            with suppress(StoreError):
                self._store.reserved({name: upto})
                self._reserved[name] = upto

    def release(self, last_seq: int) -> None:
        """Store the numbers that were really given, as at a start and at an orderly end."""
        self._reserved.clear()
        ids = {f"id:{provider}": number for provider, number in self.next.items()}
        self._store.reserved({"seq": last_seq, **ids})

    def restore(self, facts: Mapping[str, float]) -> None:
        """Go on from the numbers that a store holds."""
        for provider, number in self.next.items():
            self.next[provider] = max(number, int(facts.get(f"id:{provider}", number)))
