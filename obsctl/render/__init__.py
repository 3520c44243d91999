"""Stack -> files: templates, the compose file, patches, atomic writing and verification."""
