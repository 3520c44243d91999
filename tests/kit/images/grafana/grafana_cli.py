"""`grafana cli admin reset-admin-password`, as far as the stand-in knows it."""

from __future__ import annotations

import os
import sys

from grafana_settings import VERSION, Database, Settings
from standin import fail, log


def main(arguments: list[str]) -> None:
    """Change the admin's password, or print the version."""
    words = [word for word in arguments if not word.startswith("-")]
    if {"-v", "--version"} & set(arguments):
        return log(f"grafana version {VERSION} (stand-in)")
    if words[:3] != ["cli", "admin", "reset-admin-password"]:
        fail("stand-in: only `grafana cli admin reset-admin-password` is known")
    from_stdin = "--password-from-stdin" in arguments
    password = sys.stdin.readline().rstrip("\n") if from_stdin else "".join(words[3:4])
    if len(password) < 4:
        fail("Error: ✗ new password is too short")
    Database(Settings.read(os.environ).data).set_password(password)
    return log("Admin password changed successfully ✔")


if __name__ == "__main__":
    main(sys.argv[1:])
