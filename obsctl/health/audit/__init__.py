"""`check --security`: what each container may, item by item."""
