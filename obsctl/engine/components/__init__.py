"""What runs in the containers, asked in its own terms."""
