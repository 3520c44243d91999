"""The report as a person or a program reads it: text, page, schema."""
