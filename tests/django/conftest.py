"""The fixtures of these tests."""

from django_project import project, sqlite_project
from services import postgres

__all__ = ["postgres", "project", "sqlite_project"]
