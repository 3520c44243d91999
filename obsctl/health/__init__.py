"""Proof that the running stack works, in layers, and the cause where it does not."""
