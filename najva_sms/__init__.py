"""Send SMS through Najva."""

from najva_sms.blocking import Najva
from najva_sms.client import AsyncNajva
from najva_sms.messages import DeliveryReport, OutboxMessage, OutboxPage
from najva_sms.webhook import parse_webhook

__all__ = ["AsyncNajva", "DeliveryReport", "Najva", "OutboxMessage", "OutboxPage", "parse_webhook"]
