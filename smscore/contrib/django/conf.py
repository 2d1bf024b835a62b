"""The settings of the app, read when they are needed: ``PAYAMAK`` and the settings whose names begin with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, cast

from attrs import frozen
from django.conf import settings

from smscore import registry
from smscore.errors import ConfigurationError

__all__ = ["DEFAULT", "Account", "Problem", "account", "accounts", "database_alias", "problems", "setting"]

DEFAULT: Final = "default"
KEYS: Final = frozenset({"PROVIDER", "TOKEN", "SENDER", "OPTIONS", "FAILOVER", "LOW_CREDIT", "OPT_OUT"})
_OF_A_CLIENT: Final = ("TOKEN", "SENDER")
_EXAMPLE: Final = 'PAYAMAK = {"default": {"PROVIDER": "…", "TOKEN": "…", "SENDER": "…"}}'


@frozen
class Problem:
    """What is wrong with the settings: the number of its check, what it is, and what to do about it."""

    number: int
    text: str
    hint: str


@frozen
class Account:
    """One entry of ``PAYAMAK``: a client of a provider, or a failover over other entries."""

    name: str
    given: Mapping[str, Any]

    @property
    def failover(self) -> tuple[str, ...]:
        """The accounts that are tried in turn; empty for a client."""
        return tuple(self.given.get("FAILOVER", ()))

    @property
    def provider(self) -> str:
        """The provider's name; empty for a failover."""
        return str(self.given.get("PROVIDER", ""))

    @property
    def options(self) -> dict[str, Any]:
        """The keyword arguments of its client or failover."""
        own = {key.lower(): self.given[key] for key in _OF_A_CLIENT if self.given.get(key)}
        return {**own, **self.given.get("OPTIONS", {})}

    @property
    def low_credit(self) -> Any:
        """The credit, in Rials, below which ``credit_low`` is sent; None: never."""
        return self.given.get("LOW_CREDIT")

    @property
    def opt_out(self) -> frozenset[str]:
        """The words by which a person who answers with one of them is suppressed."""
        return frozenset(self.given.get("OPT_OUT", ()))

    def problems(self, every: Mapping[str, Any]) -> Iterator[Problem]:
        """What is wrong with it, where ``every`` is all of ``PAYAMAK``."""
        unknown = sorted(map(str, {*self.given} - KEYS))
        if unknown:
            yield Problem(
                2,
                f"PAYAMAK['{self.name}'] has unknown keys: {', '.join(unknown)}.",
                f"The keys are {', '.join(sorted(KEYS))}; options of the client go into OPTIONS.",
            )
        if ("PROVIDER" in self.given) == ("FAILOVER" in self.given):
            yield Problem(
                2,
                f"PAYAMAK['{self.name}'] must have either PROVIDER or FAILOVER.",
                f"PROVIDER is one of {', '.join(registry.names())}; FAILOVER lists other accounts in their order.",
            )
        elif "FAILOVER" in self.given:
            yield from self._failover_problems(every)
        elif self.given["PROVIDER"] not in registry.names():
            yield Problem(
                3,
                f"PAYAMAK['{self.name}'] names an unknown PROVIDER.",
                f"The installed ones are {', '.join(registry.names())}.",
            )
        yield from self._word_problems()

    def _failover_problems(self, every: Mapping[str, Any]) -> Iterator[Problem]:
        names: Any = self.given["FAILOVER"]
        if not isinstance(names, (list, tuple)) or not names:
            yield Problem(4, f"PAYAMAK['{self.name}']['FAILOVER'] must be a list of names of accounts.", _EXAMPLE)
            return
        given = cast("Sequence[Any]", names)
        wrong = [str(name) for name in given if not (isinstance(name, str) and _is_client(every.get(name)))]
        if wrong:
            yield Problem(
                4,
                f"PAYAMAK['{self.name}']['FAILOVER'] names what is no account with a PROVIDER: {', '.join(wrong)}.",
                f"The accounts are {', '.join(name for name, one in every.items() if _is_client(one)) or 'none'}.",
            )

    def _word_problems(self) -> Iterator[Problem]:
        options, words = self.given.get("OPTIONS", {}), self.given.get("OPT_OUT", [])
        if not isinstance(options, dict):
            yield Problem(2, f"PAYAMAK['{self.name}']['OPTIONS'] must be a dict of options of the client.", _EXAMPLE)
        credit = self.low_credit
        if credit is not None and (isinstance(credit, bool) or not isinstance(credit, (int, Decimal))):
            text = f"PAYAMAK['{self.name}']['LOW_CREDIT'] must be a number of Rials: an int or a Decimal."
            yield Problem(2, text, '"LOW_CREDIT": 5_000_000')
        if not _is_list_of_words(words):
            yield Problem(2, f"PAYAMAK['{self.name}']['OPT_OUT'] must be a list of words.", '"OPT_OUT": ["لغو"]')


def _is_client(entry: object) -> bool:
    return isinstance(entry, dict) and "PROVIDER" in entry


def _is_list_of_words(words: Any) -> bool:
    return isinstance(words, (list, tuple, set, frozenset)) and all(
        isinstance(word, str) for word in cast("Iterable[Any]", words)
    )


def setting(name: str, default: Any = None) -> Any:
    """A setting, or its default where the project has none."""
    return getattr(settings, name, default)


def _given() -> Mapping[str, Any]:
    found: Any = setting("PAYAMAK", {})
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}


def accounts() -> dict[str, Account]:
    """The accounts by name; those that are no dict are left out."""
    entries = {name: cast("Any", given) for name, given in _given().items() if isinstance(given, dict)}
    return {name: Account(name, given) for name, given in entries.items()}


def account(name: str) -> Account:
    """The account of this name. Raises ``ConfigurationError`` if there is none, or its settings are wrong."""
    found = accounts().get(name)
    if found is None:
        raise ConfigurationError(
            f"The setting PAYAMAK has no account {name!r}. It has {', '.join(accounts()) or 'none'}."
        )
    for problem in found.problems(_given()):
        raise ConfigurationError(f"{problem.text} {problem.hint}")
    return found


def problems() -> Iterator[Problem]:
    """What is wrong with ``PAYAMAK``, as far as no client has to be made to find it."""
    given: Any = setting("PAYAMAK", {})
    if not isinstance(given, dict):
        yield Problem(1, "PAYAMAK must be a dict of accounts by name.", _EXAMPLE)
        return
    for name, one in _given().items():
        if not isinstance(one, dict) or not isinstance(name, str):
            yield Problem(1, f"PAYAMAK[{name!r}] must be a dict, under a name that is a str.", _EXAMPLE)
    for one in accounts().values():
        yield from one.problems(_given())


def database_alias() -> str:
    """The alias of ``DATABASES`` that holds the queue."""
    return str(setting("PAYAMAK_DATABASE", DEFAULT))
