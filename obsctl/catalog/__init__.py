"""What the field knows about each kind of service, as data."""
