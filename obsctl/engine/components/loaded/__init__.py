"""Whether the components have loaded the files that are on disk: one module for each."""
