"""The services that the tests of the queue may request."""

from services import postgres, rabbitmq, redis_url

__all__ = ["postgres", "rabbitmq", "redis_url"]
