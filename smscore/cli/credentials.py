"""The token, from the environment or from a file, and never from an argument: those are shown to everybody by ps."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from smscore.account import cleaned_token, from_environment
from smscore.errors import ConfigurationError

_MOST: Final = 4096  # characters


def token_of(provider: str, token_file: str | None) -> str:
    """The token in this file, or in the provider's environment variable; ``ConfigurationError`` without one."""
    if token_file is not None:
        return _read(token_file)
    token = from_environment(provider, "token")
    if token is None:
        raise ConfigurationError(
            f"There is no token. Set {provider.upper()}_TOKEN, or put the token in a file and give --token-file.",
            provider=provider,
        )
    return token


def _read(path: str) -> str:
    try:
        with Path(path).open(encoding="utf-8-sig") as file:
            token = cleaned_token(file.read(_MOST))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise ConfigurationError(f"The token file cannot be read: {why}.") from None
    if not token or len(token.split()) > 1:
        raise ConfigurationError("The token file holds something else than one token.")
    return token
