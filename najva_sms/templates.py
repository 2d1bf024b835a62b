"""The arguments of a one-time code by an approved template: its name, and the values of its placeholders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from smscore import InvalidRequest
from smscore.wire import PatternValue, can_be_encoded, pattern_texts

__all__ = ["template_fields"]

PLACEHOLDERS: Final = ("token", "token2", "token3")


def template_fields(template: str, params: Mapping[str, PatternValue]) -> Mapping[str, str]:
    """The fields of a send by a template. Raises ``InvalidRequest``, which names what is invalid."""
    return {"template": _checked_template(template), **_checked_params(params)}


def _checked_template(template: str) -> str:
    if not isinstance(template, str) or not template.strip() or not can_be_encoded(template):
        raise InvalidRequest("template must be the name of a template. Copy it from the template in Najva's panel.")
    return template.strip()


def _checked_params(params: Mapping[str, PatternValue]) -> Mapping[str, str]:
    texts = pattern_texts(params)
    unknown = [name for name in texts if name not in PLACEHOLDERS]
    if unknown or not texts:
        what = f"has {len(unknown)} unknown keys" if unknown else "is empty"
        raise InvalidRequest(f"params= {what}. The placeholders of a template are token, token2 and token3.")
    empty = [name for name, text in texts.items() if not text.strip()]
    if empty:
        raise InvalidRequest(f"params= has no text for {', '.join(empty)}. Leave out what the template does not have.")
    return texts
