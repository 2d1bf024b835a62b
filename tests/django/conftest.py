"""The fixtures of these tests."""

from django_project import project, sqlite_project
from django_shop import shop
from services import postgres

__all__ = ["postgres", "project", "shop", "sqlite_project"]
