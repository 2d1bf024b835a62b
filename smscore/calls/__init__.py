"""One request: its tries, its connection, its turn, and what stops it."""
