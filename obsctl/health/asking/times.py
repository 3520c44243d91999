"""Points in time as the Engine and the components write them."""

from datetime import datetime


def parse_time(text: str) -> float:
    """Seconds since the epoch of an RFC 3339 time in UTC; fractions, often nanoseconds, are cut."""
    return datetime.fromisoformat(f"{text[:19]}+00:00").timestamp()
