"""What becomes of a batch whose worker is killed at each point of its life, by provider: the table that tests prove."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from smscore.outcomes import Outcome


@frozen
class End:
    """How each recipient of the batch ends; ``sent`` is how often the provider sent to them."""

    outcome: Outcome
    has_id: bool
    sent: int


_ONCE: Final = End(Outcome.ACCEPTED, True, 1)
_WITHOUT_IDS: Final = End(Outcome.ACCEPTED, False, 1)
_NEVER_WENT: Final = End(Outcome.UNKNOWN, False, 0)
_WENT: Final = End(Outcome.UNKNOWN, False, 1)

PROVIDERS: Final = ("sepahan", "ippanel", "najva")
# Sepahan knows a request by its id; IPPanel and Najva do not.
MATRIX: Final = {
    "after the claim": dict.fromkeys(PROVIDERS, _ONCE),
    "before the dispatch is committed": dict.fromkeys(PROVIDERS, _ONCE),
    "after the dispatch": {"sepahan": _ONCE, "ippanel": _NEVER_WENT, "najva": _NEVER_WENT},
    "after the answer": {"sepahan": _WITHOUT_IDS, "ippanel": _WENT, "najva": _WENT},
    "before the end is committed": {"sepahan": _WITHOUT_IDS, "ippanel": _WENT, "najva": _WENT},
    "after the end": dict.fromkeys(PROVIDERS, _ONCE),
}
