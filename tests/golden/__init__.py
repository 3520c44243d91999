"""Rendered stacks that are read in review: <case>/obsctl.yaml and what it gives."""
