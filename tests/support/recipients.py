"""Numbers to send to."""


def numbers(count: int, start: int = 0) -> list[str]:
    """Mobile numbers in local form, one after another; the last seven digits are their place."""
    return [f"0912{place:07}" for place in range(start, start + count)]
