"""One run of obsctl on a project: its lock and signals, what it tells and remembers."""
