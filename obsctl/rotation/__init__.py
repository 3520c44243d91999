"""Changes the values of secrets inside the running components, so that a crash loses nothing."""
