"""The commands that send nothing."""
