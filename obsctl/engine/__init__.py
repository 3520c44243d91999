"""From the rendered compose file to running containers: observe, reconcile, apply."""
