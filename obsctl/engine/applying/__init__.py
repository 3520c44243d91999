"""Carries out a plan: makes, replaces, reloads, waits, and takes back what failed."""
