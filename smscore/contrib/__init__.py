"""Payamak in other frameworks. Each module needs its framework, and is imported by name."""
