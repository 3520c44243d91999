"""Settings of the Grafana stand-in: GF_* variables, `GF_X__FILE`, and the admin account."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from standin_http import hash_password, load_json, password_matches, save_json

VERSION = "13.2.3"


class SettingsError(Exception):
    """The environment can't be used; the message is what run.sh prints."""


def resolve_files(environment: Mapping[str, str]) -> dict[str, str]:
    """Replace every `GF_X__FILE` by `GF_X` holding the file's text without its last newlines."""
    resolved = dict(environment)
    for name in [n for n in environment if n.startswith("GF_") and n.endswith("__FILE")]:
        target = name.removesuffix("__FILE")
        if environment.get(target):
            raise SettingsError(f"ERROR: Both {target} and {name} are set (but are exclusive)")
        try:
            resolved[target] = Path(resolved.pop(name)).read_text("utf-8").rstrip("\n")
        except OSError as error:
            raise SettingsError(f"/run.sh: {error.filename}: {error.strerror}") from error
    return resolved


@dataclass(frozen=True)
class Settings:
    """What the stand-in takes from the environment; real defaults."""

    host: str
    port: int
    data: Path
    provisioning: Path
    admin_user: str
    admin_password: str
    plugin_runs: bool
    home_dashboard: str

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """Read GF_* variables; raise SettingsError."""
        env = resolve_files(environment)
        port = env.get("GF_SERVER_HTTP_PORT", "3000")
        if not port.isdigit():
            raise SettingsError(f"invalid GF_SERVER_HTTP_PORT: {port}")
        return cls(
            host=env.get("GF_SERVER_HTTP_ADDR", "") or "0.0.0.0",  # noqa: S104
            port=int(port),
            data=Path(env.get("GF_PATHS_DATA", "/var/lib/grafana")),
            provisioning=Path(env.get("GF_PATHS_PROVISIONING", "/etc/grafana/provisioning")),
            admin_user=env.get("GF_SECURITY_ADMIN_USER", "admin"),
            admin_password=env.get("GF_SECURITY_ADMIN_PASSWORD", "admin"),
            plugin_runs=env.get("GF_PLUGINS_PREINSTALL_AUTO_UPDATE", "true") == "false"
            and os.access("/tmp", os.W_OK),  # noqa: S108 - plugins make their sockets there
            home_dashboard=env.get("GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH", ""),
        )


class Database:
    """What outlives the process: the admin account and the known data sources."""

    def __init__(self, data: Path) -> None:
        self.path = data / "grafana-standin.json"

    def read(self) -> dict[str, Any]:
        """Return the whole state."""
        state: dict[str, Any] = load_json(self.path, {})
        return state

    def initialise(self, user: str, password: str) -> None:
        """Create the admin account at the first start; later values are ignored, as in Grafana."""
        if "admin" not in self.read():
            save_json(self.path, {"admin": {"user": user, "hash": hash_password(password)}})

    def set_password(self, password: str) -> None:
        """Change the admin's password."""
        state = self.read()
        state["admin"]["hash"] = hash_password(password)
        save_json(self.path, state)

    def accepts(self, user: str, password: str) -> bool:
        """Tell whether these are the admin's credentials."""
        admin = self.read().get("admin", {})
        return bool(user == admin.get("user") and password_matches(password, admin["hash"]))

    @property
    def datasources(self) -> list[dict[str, Any]]:
        """The data sources stored by the last provisioning."""
        stored: list[dict[str, Any]] = self.read().get("datasources", [])
        return stored

    @datasources.setter
    def datasources(self, value: list[dict[str, Any]]) -> None:
        save_json(self.path, {**self.read(), "datasources": value})
