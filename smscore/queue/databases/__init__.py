"""The databases that can hold a queue: what differs between them, and nothing of what a queue is."""
