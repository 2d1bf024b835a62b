"""Many recipients: from what a caller gives to batches, and back into one report."""
