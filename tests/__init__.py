"""Tests of obsctl, by tier."""
