"""The resolved model of the stack: every default filled in, nothing left to decide."""
