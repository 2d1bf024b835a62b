"""The tests that every provider must pass, Payamak's own and those of other distributions.

::

    class TestNobody(ProviderConformance):
        profile = PROFILE

They need pytest alone, and run against the provider's own emulation in the sandbox, whose ledger is the truth, and
against the document's recorded samples. Each part is a module of this folder: ``structure`` (what a provider is made
of), ``samples``, ``sending``, ``deliveries``, ``webhooks``, ``faults`` and ``secrets``.
"""

from __future__ import annotations

from smscore.testing.deliveries import DeliveriesConformance
from smscore.testing.faults import FaultsConformance
from smscore.testing.runner import SampleCall
from smscore.testing.secrets import SecretsConformance
from smscore.testing.sending import SendingConformance
from smscore.testing.structure import StructureConformance
from smscore.testing.webhooks import WebhookConformance

__all__ = ["ProviderConformance", "SampleCall"]


class ProviderConformance(
    StructureConformance,
    SendingConformance,
    DeliveriesConformance,
    WebhookConformance,
    FaultsConformance,
    SecretsConformance,
):
    """Subclass it in a test module, name it ``Test…``, and set ``profile``.

    The call that makes each recorded sample's request is in ``calls.py`` of the folder ``profile.samples``, as
    ``CALLS``, by the sample's ``call``; the class attribute ``sample_calls`` may hold more. ``DIFFERENT`` of the same
    file says what goes out in place of a recorded request that the client cannot make, and why in a comment.
    """
