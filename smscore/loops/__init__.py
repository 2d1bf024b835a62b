"""Event loops and threads: running several things at once, and the thread behind the blocking clients."""
