"""Whole shares of an amount, and how they are told."""

from collections.abc import Collection, Mapping
from typing import Final

MIB: Final = 2**20


def in_proportion(units: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Whole units by name whose sum is exact: the largest remainders get what rounding leaves.

    All get nothing where no weight is above zero.
    """
    total = sum(weights.values())
    if not total:
        return dict.fromkeys(weights, 0)
    shares = {name: units * weight // total for name, weight in weights.items()}
    remainders = sorted(weights, key=lambda name: (-(units * weights[name] % total), name))
    for name in remainders[: units - sum(shares.values())]:
        shares[name] += 1
    return shares


def shares_text(sizes: Mapping[str, int], parts: Collection[str], others: str) -> str:
    """Bytes by name as people read them, the most first; what is no part in one figure."""
    listed = sorted(set(parts) & sizes.keys(), key=lambda name: (-sizes[name], name))
    each = [f"{name} {mib_text(sizes[name])}" for name in listed]
    rest = sum(size for name, size in sizes.items() if name not in parts)
    return ", ".join([*each, *([f"{others} {mib_text(rest)}"] if rest else [])])


def mib_text(size: int) -> str:
    """Bytes as MiB, rounded up: what is asked for is enough."""
    return f"{-(-size // MIB)}MiB"
