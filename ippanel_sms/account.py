"""What IPPanel reports about an account: prices, its lines, and whose it is."""

from __future__ import annotations

from decimal import Decimal

from attrs import field, frozen

from smscore.wire import masked_number, masked_text


@frozen
class Price:
    """The cost of a text per recipient in Rials, with MCI and with any ``other`` operator; ``parts``: its SMS parts."""

    mci: Decimal
    other: Decimal
    parts: int


@frozen
class Line:
    """One of your lines. ``number`` is what a send takes as ``sender``."""

    id: int | None
    number: str = field(repr=masked_number)
    operator_id: int | None
    alias: str | None


@frozen
class Account:
    """The owner of the token. ``send_block``: it may not send. What the answer lacks is None."""

    user_id: int | None
    user_name: str | None = field(repr=masked_text)
    name: str | None = field(repr=masked_text)
    send_block: bool | None
    document_block: bool | None
    is_reseller: bool | None
