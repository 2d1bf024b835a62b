"""What IPPanel tells of an account: prices, its lines, and whose it is."""

from __future__ import annotations

from decimal import Decimal

from attrs import field, frozen

from smscore.wire import masked_number, masked_text


@frozen
class Price:
    """What a text costs for each recipient, in Rials: of MCI, and of any ``other`` operator; ``parts`` SMS parts."""

    mci: Decimal
    other: Decimal
    parts: int


@frozen
class Line:
    """A line of yours to send from; ``number`` is what a send takes as ``sender``."""

    id: int | None
    number: str = field(repr=masked_number)
    operator_id: int | None
    alias: str | None


@frozen
class Account:
    """Whose token it is; ``send_block`` says that it may not send. What IPPanel does not say is None."""

    user_id: int | None
    user_name: str | None = field(repr=masked_text)
    name: str | None = field(repr=masked_text)
    send_block: bool | None
    document_block: bool | None
    is_reseller: bool | None
