"""The fixtures of these tests."""

from django_project import project, sqlite_project
from django_shop import shop
from services import postgres, redis_url

__all__ = ["postgres", "project", "redis_url", "shop", "sqlite_project"]
