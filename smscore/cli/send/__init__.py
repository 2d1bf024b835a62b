"""``payamak send`` and ``payamak p2p``."""
