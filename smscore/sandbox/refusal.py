"""What a call of the sandbox's own REST interface is refused with."""

import attrs

__all__ = ["Problem", "RestError"]


@attrs.frozen
class Problem:
    """Why a call was refused, and what to do next."""

    error: str


class RestError(Exception):
    """Raised to refuse a call: an HTTP status, and words that say what to do next."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status: int = status
        self.words: str = words.encode("utf-8", "replace").decode()
