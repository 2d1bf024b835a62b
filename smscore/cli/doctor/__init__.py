"""``payamak doctor``: finds out, on the real account, what no document settles."""
