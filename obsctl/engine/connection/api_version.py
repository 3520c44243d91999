"""The Engine API's version: ordered, and spelled with a dot."""

from typing import NamedTuple


class ApiVersion(NamedTuple):
    major: int
    minor: int

    @classmethod
    def parse(cls, text: str) -> "ApiVersion":
        """0.0 for what is no version."""
        major, _, minor = text.partition(".")
        return cls(int(major), int(minor)) if major.isdigit() and minor.isdigit() else cls(0, 0)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"
