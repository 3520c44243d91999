"""How components and containers are asked, each with a deadline, and all at once."""
