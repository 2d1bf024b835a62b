"""Token, sender and base URL: what a client was given, and the environment at each call for what it was not."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from typing import Final

import attrs
from attrs import define, field, frozen

from smscore.base_url import checked_base_url
from smscore.config import UNSET, Unset
from smscore.environment import read_variable
from smscore.errors import ConfigurationError, InvalidRequest
from smscore.masking import Secret
from smscore.senders import check_sender
from smscore.wire.endpoint import Provider

# Copied along with a token, from a header or a line of code.
_SCHEME: Final = re.compile(r"(?:authorization\s*:\s*)?(?:bearer|token|api-?key|access-?key)[\s:]+", re.IGNORECASE)
_QUOTES: Final = ('""', "''", "``", "“”", "‘’", "«»")


@frozen
class ResolvedAccount:
    """The token, base URL and sender that one call uses."""

    provider: Provider
    token: Secret
    sender: str | None
    base_url: str

    @property
    def mark(self) -> str:
        """Two bytes that tell this account of a provider from another, and are far too few to find its token by.

        What a provider knows of a request, such as its id, only the account knows that made it.
        """
        return hashlib.blake2b(f"{self.base_url}\0{self.token.reveal()}".encode(), digest_size=2).hexdigest()

    def line(self, sender: object, *, needed: bool) -> str | None:
        """The line of a call that was given ``sender``, in the provider's form. Raises ``InvalidRequest``."""
        if sender is None and self.sender is not None:
            return self.sender  # checked when it was resolved
        return check_sender(sender, self.provider, needed=needed)


@define(eq=False)
class AccountSettings:
    """A client's token, sender and base URL as given; :meth:`resolve` reads what was left open from the environment."""

    provider: Provider
    _token: Secret | None
    _sender: str | Unset | None
    _base_url: str | None
    _last: tuple[list[str | None], ResolvedAccount] | None = field(default=None, init=False, repr=False)

    @classmethod
    def given(cls, provider: Provider, token: object, sender: object, base_url: object) -> AccountSettings:
        """Settings, checked; None leaves one to the environment. Raises ``ConfigurationError``."""
        return cls(
            provider,
            None if token is None else checked_token(token, provider.name),
            UNSET if sender is None else _checked_sender(sender, provider),
            None if base_url is None else _adjusted_base_url(base_url, provider),
        )

    def with_sender(self, sender: object) -> AccountSettings:
        """The same account with this sender, or with none."""
        return attrs.evolve(self, sender=_checked_sender(sender, self.provider))

    def resolve(self) -> ResolvedAccount:
        """The account for a call that starts now. Raises ``ConfigurationError`` for a missing token or a bad variable.

        The environment's values are checked once, and again when they have changed, since every call comes here.
        """
        read = self._read()
        last = self._last
        if last is None or last[0] != read:
            last = self._last = (read, self._resolved(*read))
        return last[1]

    def shown(self) -> str:
        """Base URL and sender for a ``repr``, which never raises: a wrong variable is named in place of its value."""
        _, sender, base_url = self._read()
        return f"base_url={self._shown('base_url', base_url)}, sender={self._shown('sender', sender)}"

    def _read(self) -> list[str | None]:
        """Token, sender and base URL of the environment, each where it was left open."""
        name = self.provider.name
        return [
            from_environment(name, "token") if self._token is None else None,
            from_environment(name, "sender") if self._sender is UNSET else None,
            from_environment(name, "base_url") if self._base_url is None else None,
        ]

    def _resolved(self, token: str | None, sender: str | None, base_url: str | None) -> ResolvedAccount:
        return ResolvedAccount(
            self.provider,
            self._token or checked_token(token or "", self.provider.name, variable(self.provider.name, "token")),
            self._sender_of(sender),
            self._base_url_of(base_url),
        )

    def _sender_of(self, read: str | None) -> str | None:
        if isinstance(self._sender, Unset):
            return _checked_sender(read, self.provider, variable(self.provider.name, "sender"))
        return self._sender

    def _base_url_of(self, read: str | None) -> str:
        if self._base_url is not None:
            return self._base_url
        if read is None:
            return self.provider.base_url
        return _adjusted_base_url(read, self.provider, variable(self.provider.name, "base_url"))

    def _shown(self, setting: str, read: str | None) -> str:
        try:
            return repr(self._base_url_of(read) if setting == "base_url" else self._sender_of(read))
        except ConfigurationError:
            return f"<invalid {variable(self.provider.name, setting)}>"


@cache
def variable(provider: str, setting: str) -> str:
    """The environment variable of a setting: for a provider named ``nobody``, ``NOBODY_TOKEN`` and so on."""
    return f"{provider}_{setting}".upper()


def from_environment(provider: str, setting: str) -> str | None:
    """A setting's variable, without the quotes that some readers of .env files keep; None if unset or empty."""
    return _unquoted(read_variable(variable(provider, setting)) or "") or None


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] + text[-1] in _QUOTES else text


def cleaned_token(token: str) -> str:
    """A token without what was copied along with it: white space, quotes, ``Bearer``, ``Authorization:``."""
    before = None
    while token != before:
        before = token
        token = _unquoted(token.strip().strip("\ufeff\u200b\u200e\u200f").strip())
        scheme = _SCHEME.match(token)
        token = token[scheme.end() :] if scheme else token
    return "" if token.lower() == "bearer" else token


def checked_token(token: object, provider: str, name: str = "token=") -> Secret:
    """The token, cleaned. Raises ``ConfigurationError``, which calls it ``name``, if no header may have it."""
    if not isinstance(token, str):
        raise ConfigurationError(f"{name} must be a str, not {type(token).__name__}.", provider=provider)
    token = cleaned_token(token)
    if not token:
        raise ConfigurationError(
            f"Missing token. Give token= to the client or set {variable(provider, 'token')}.", provider=provider
        )
    if not token.isascii() or not token.isprintable():
        raise ConfigurationError(
            f"{name} contains characters that no header may have. Copy the token again from the provider's panel.",
            provider=provider,
        )
    return Secret(token)


def _checked_sender(sender: object, provider: Provider, name: str = "sender=") -> str | None:
    try:
        return check_sender(sender, provider, needed=False)
    except InvalidRequest as error:
        raise ConfigurationError(f"{name} is invalid. {error}", provider=provider.name) from None


def _adjusted_base_url(url: object, provider: Provider, name: str = "base_url=") -> str:
    return checked_base_url(url, provider.name, name).removesuffix(provider.base_url_suffix)
