"""Sends through several providers: what one cannot take goes on to the next, if it was provably not sent."""

from __future__ import annotations

from smscore.failover.blocking import Failover
from smscore.failover.client import AsyncFailover
from smscore.failover.pattern import Approved, Pattern

__all__ = ["Approved", "AsyncFailover", "Failover", "Pattern"]
