"""The sandbox's own REST interface: its routes, its description, and its live events."""
