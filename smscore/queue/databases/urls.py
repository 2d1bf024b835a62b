"""Which database a URL names."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from smscore.errors import ConfigurationError
from smscore.queue.databases.base import Database

_SQLITE = re.compile(r"sqlite:///([^?#]+)")
_POSTGRESQL = re.compile(r"postgres(?:ql)?://.+", re.DOTALL)
_SCHEMA = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}", re.ASCII)


def database_of(url: object, *, schema: str | None, lease: float) -> Database:
    """The database that a URL names. ``lease``: seconds after which PostgreSQL gives up an idle transaction.

    Raises ``ConfigurationError``, which never shows the URL: it may hold a password.
    """
    if isinstance(url, Database):
        return url
    if schema is not None and not (isinstance(schema, str) and _SCHEMA.fullmatch(schema)):
        raise ConfigurationError("schema= must be a plain name: letters, digits and _, not beginning with a digit.")
    match = _SQLITE.fullmatch(url) if isinstance(url, str) else None
    if match:
        return _sqlite(unquote(match[1]), schema)
    if isinstance(url, str) and _POSTGRESQL.fullmatch(url):
        from smscore.queue.databases.postgresql import PostgreSQLDatabase

        return PostgreSQLDatabase(url, schema=schema, idle_timeout=lease)
    raise ConfigurationError(
        "The database must be a URL: sqlite:///relative.db, sqlite:////absolute.db or postgresql://user@host/name."
    )


def _sqlite(path: str, schema: str | None) -> Database:
    from smscore.queue.databases.sqlite import SQLiteDatabase

    if schema is not None:
        raise ConfigurationError("schema= works only with PostgreSQL. Use another file instead.")
    if path.startswith(":"):
        raise ConfigurationError("A queue outlives its process, so it cannot be in memory. Name a file.")
    return SQLiteDatabase(Path(path))
