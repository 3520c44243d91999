"""Figures as ratios: obsctl beside docker compose on the same files, in one run."""
