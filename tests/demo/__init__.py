"""`make demo`: the main job on this machine, from nothing to a whole story and a green check."""
