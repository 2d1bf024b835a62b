"""Delivery tracking: statuses of sent messages, asked for once or followed until they are final."""
