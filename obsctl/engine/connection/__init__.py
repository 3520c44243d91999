"""How the Engine is reached, asked, and what it can fail with."""
