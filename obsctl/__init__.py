"""obsctl: one project file in, a running, proven observability stack out."""

__version__ = "0.1.0"
