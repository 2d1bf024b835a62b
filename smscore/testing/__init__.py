"""Tests that a provider's author runs. It needs pytest, and nothing of Payamak imports it."""
