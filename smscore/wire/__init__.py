"""For authors of providers: what a provider's calls put on the wire, and how answers are read."""
