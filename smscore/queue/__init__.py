"""Sends that outlive the process: one database holds the truth about every recipient, and any number of workers send.

How it is built, from the outside in:

- ``queue`` (with ``campaign_calls`` and ``account_calls``) and ``blocking``: the two faces, and ``model``, ``options``
  and ``windows`` with what they give and take; ``enqueueing`` checks that.
- ``loading`` puts a campaign into the database; ``batcher`` splits its recipients into batches, and ``payloads`` packs
  what a batch keeps of them until it is sent.
- ``worker`` claims batches for its slots; ``sending`` dispatches and sends one of them, by the ``senders`` of its
  account, and ``finishing`` writes what came of it; ``decisions`` is the pure table of what becomes of a batch,
  ``limits`` of what keeps an account back, ``outcomes`` merges what is known.
- ``store/``: plain SQL, synchronous, one function a question. ``claims`` takes a batch and recovers lost ones,
  ``dispatch`` is the last commit before the request, ``endings`` writes outcomes, ``campaigns``, ``accounts``,
  ``suppression``, ``reading``, ``reports`` (the inbox of deliveries), ``inbound`` and ``pruning`` the rest.
- ``tracking``: one round of asking for deliveries, or of receiving.
- ``databases/``: what differs between SQLite and PostgreSQL; ``schema`` applies the migrations in ``sql/``;
  ``calls`` runs the store in threads, and lets what several slots write share a commit.

A batch goes new → claimed → sending → done. A worker that dies in ``claimed`` has provably sent nothing; one that dies
in ``sending`` may have, so the batch is repeated with the same request id where the provider knows one, and is
``UNKNOWN`` otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smscore.queue.blocking import SendQueue
    from smscore.queue.errors import QueueUnavailable
    from smscore.queue.model import Account, Campaign, CampaignState, Counts, QueueResult, StoredMessage
    from smscore.queue.options import EnqueueOptions
    from smscore.queue.queue import AsyncSendQueue
    from smscore.queue.windows import Window

__all__ = [
    "Account",
    "AsyncSendQueue",
    "Campaign",
    "CampaignState",
    "Counts",
    "EnqueueOptions",
    "QueueResult",
    "QueueUnavailable",
    "SendQueue",
    "StoredMessage",
    "Window",
]

_MODULES = {
    "AsyncSendQueue": "queue",
    "EnqueueOptions": "options",
    "QueueUnavailable": "errors",
    "SendQueue": "blocking",
    "Window": "windows",
    **dict.fromkeys(("Account", "Campaign", "CampaignState", "Counts", "QueueResult", "StoredMessage"), "model"),
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
