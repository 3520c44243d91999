"""What the Engine runs, and what has to happen so that it runs what is desired."""
