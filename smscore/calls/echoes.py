"""A token that an answer repeats: a server may quote the URL of a request, and the URL of some calls has the token."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from smscore.auth import PathToken, QueryToken
from smscore.masking import Secret
from smscore.results import SMSError

__all__ = ["IN_THE_URL", "hide_token"]

IN_THE_URL: Final = (PathToken, QueryToken)
_HIDDEN: Final = "***"


def hide_token(error: SMSError, token: Secret) -> None:
    """Replace the token in all that an error keeps of an answer."""
    spellings = {token.reveal(), quote(token.reveal(), safe="")}

    def hidden(text: str) -> str:
        for spelling in spellings:
            text = text.replace(spelling, _HIDDEN)
        return text

    error.message = None if error.message is None else hidden(error.message)
    error.details = [hidden(words) for words in error.details]
    error.fields = {hidden(name): [hidden(words) for words in said] for name, said in error.fields.items()}
    error._body = None if error.body is None else hidden(error.body)
