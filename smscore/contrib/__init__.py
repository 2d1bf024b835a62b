"""Payamak beside other libraries and in frameworks. Each module needs its own, and is imported by name."""
