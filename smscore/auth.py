"""Where a provider's token travels: in a header, the path, the query or the body.

Clients put it there, and the sandbox finds it there: each side declares its own value, from the provider's document.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, TypeAlias
from urllib.parse import quote

from attrs import field, frozen

from smscore.masking import Masked

__all__ = ["BodyToken", "Credentials", "HeaderToken", "PathToken", "Placement", "QueryToken", "Received"]

# A bare token has no scheme before it: a client that sends one speaks another provider's dialect.
_OTHER_SCHEME: Final = re.compile(r"(?:AccessKey|ApiKey|Basic|Bearer|Digest|Token) ", re.IGNORECASE)


NOTHING: Final[Mapping[str, str]] = {}
"""An empty mapping that everybody may share; no ``MappingProxyType``, whose merging takes ten times as long."""


class Placement(Masked, frozen=True):
    """What a token adds to a request."""

    headers: Mapping[str, str] = NOTHING
    query: Mapping[str, str] = NOTHING
    path: Mapping[str, str] = NOTHING
    """Values for placeholders of the path, quoted."""
    fields: Mapping[str, str] = NOTHING
    """Fields of the body, a JSON object or a form."""


@frozen
class Received:
    """The parts of a request that can hold a token, as a server sees them."""

    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    path: Mapping[str, str] = field(repr=False)
    fields: Mapping[str, object] = field(repr=False)


@frozen
class HeaderToken:
    """A header of the request: ``<name>: <scheme> <token>``, or the bare token where there is no scheme."""

    name: str = "Authorization"
    scheme: str = ""

    def place(self, token: str) -> Placement:
        """The header with this token."""
        return Placement(headers={self.name: f"{self.scheme} {token}" if self.scheme else token})

    def find(self, request: Received) -> str | None:
        """The token of a request, or None."""
        value = request.headers.get(self.name, "")
        if self.scheme:
            scheme, _, token = value.partition(" ")
            return token.strip() or None if scheme == self.scheme else None
        return None if _OTHER_SCHEME.match(value) else value.strip() or None


@frozen
class PathToken:
    """A segment of the path: the endpoint's path names it as a placeholder, such as ``/v1/{token}/send``."""

    name: str = "token"

    def place(self, token: str) -> Placement:
        """The path's placeholder, filled in."""
        return Placement(path={self.name: quote(token, safe="")})

    def find(self, request: Received) -> str | None:
        """The token of a request, or None."""
        return request.path.get(self.name) or None


@frozen
class QueryToken:
    """A parameter of the query."""

    name: str

    def place(self, token: str) -> Placement:
        """The parameter with this token."""
        return Placement(query={self.name: token})

    def find(self, request: Received) -> str | None:
        """The token of a request, or None."""
        return request.query.get(self.name) or None


@frozen
class BodyToken:
    """A field of the body, which is a JSON object or a form."""

    name: str

    def place(self, token: str) -> Placement:
        """The field with this token."""
        return Placement(fields={self.name: token})

    def find(self, request: Received) -> str | None:
        """The token of a request, or None."""
        value = request.fields.get(self.name)
        return value if isinstance(value, str) and value else None


Credentials: TypeAlias = HeaderToken | PathToken | QueryToken | BodyToken
"""How a request is authenticated."""
