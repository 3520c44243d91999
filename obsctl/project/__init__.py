"""The project file: reading, checking and scaffolding obsctl.yaml."""
