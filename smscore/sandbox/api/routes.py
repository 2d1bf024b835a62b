"""All routes of the REST interface."""

from __future__ import annotations

from typing import Final

from smscore.sandbox.api.choices import CHOICES
from smscore.sandbox.api.faults import FAULTS
from smscore.sandbox.api.messages import MESSAGES
from smscore.sandbox.api.phones import PHONES
from smscore.sandbox.api.requests import REQUESTS
from smscore.sandbox.api.routing import RestRoute
from smscore.sandbox.api.settings import SETTINGS

__all__ = ["ROUTES"]

# In this order they are served: /api/messages/wait stands before /api/messages/{seq}.
ROUTES: Final[tuple[RestRoute, ...]] = (*MESSAGES, *REQUESTS, *PHONES, *FAULTS, *CHOICES, *SETTINGS)
