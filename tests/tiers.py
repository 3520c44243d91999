"""When a tier cannot run: skipped with its reason, or failed where it is required."""

import os
from typing import NoReturn

import pytest


def unavailable(tier: str, reason: str) -> NoReturn:
    """Skip, or fail when the environment's OBSCTL_REQUIRE names the tier."""
    required = {name.strip() for name in os.environ.get("OBSCTL_REQUIRE", "").split(",")}
    if tier in required:
        pytest.fail(f"the tier `{tier}` is required here, but {reason}")
    pytest.skip(f"tier `{tier}`: {reason}")
