"""``payamak demo``."""
