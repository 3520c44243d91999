"""Settings of the Elasticsearch stand-in: dotted variables, elasticsearch.yml, the password."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from standin import words

Json = Any

DOTTED = re.compile(r"[a-z0-9_]+(\.[A-Za-z0-9_]+)+")
KNOWN = words(
    "action async_search bootstrap cache cluster data_streams discovery gateway http indices ingest"
    " ingest_node logger monitor network node path readiness reindex remote_cluster repositories"
    " script search serverless slm snapshot stack telemetry thread_pool tracing transport xpack"
    " health master_history write_load_forecaster time_series"
)
MODES = {0o400, 0o600, 0o440, 0o640}
DISCOVERY = ("discovery.seed_hosts", "discovery.seed_providers", "cluster.initial_master_nodes")


class SettingsError(Exception):
    """The node can't start; `code` is its exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def flatten(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turn nested mappings into dotted keys."""
    flat: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, Mapping):
            flat.update(flatten(item, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = item
    return flat


def text(value: Json) -> str:
    """Return a setting's value as Elasticsearch keeps it."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(text, value)) if isinstance(value, list) else str(value)


def from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Take the dotted names and the `ES_SETTING_` form of the environment."""
    settings = {name: value for name, value in environment.items() if DOTTED.fullmatch(name)}
    for name, value in environment.items():
        if name.startswith("ES_SETTING_"):
            key = name.removeprefix("ES_SETTING_").lower().replace("__", "\0")
            settings[key.replace("_", ".").replace("\0", "_")] = value
    return settings


def from_arguments(arguments: list[str]) -> dict[str, str]:
    """Take `-Ekey=value` arguments."""
    pairs = [a[2:].partition("=") for a in arguments if a.startswith("-E")]
    return {key: value for key, _, value in pairs}


def read_settings(
    file_text: str, environment: Mapping[str, str], arguments: list[str]
) -> dict[str, str]:
    """Merge file, environment and arguments; raise SettingsError on what a node refuses."""
    document = yaml.safe_load(file_text) or {}
    if not isinstance(document, dict):
        raise SettingsError("elasticsearch.yml: a mapping is expected")
    settings = {key: text(value) for key, value in flatten(document).items()}
    settings |= from_environment(environment) | from_arguments(arguments)
    check(settings)
    return settings


def check(settings: Mapping[str, str]) -> None:
    """Raise SettingsError for unknown settings and missing discovery."""
    for name in settings:
        if name.startswith("index."):
            raise SettingsError(f"node settings must not contain any index level settings: {name}")
        if name.partition(".")[0] not in KNOWN:
            raise SettingsError(
                f"unknown setting [{name}] please check that any required plugins are installed,"
                " or check the breaking changes documentation for removed settings"
            )
    if settings.get("discovery.type") != "single-node" and not set(DISCOVERY) & set(settings):
        raise SettingsError(
            "the default discovery settings are unsuitable for production use; at least one of"
            f" {list(DISCOVERY)} must be configured",
            78,
        )
    if not any(name.startswith("xpack.security.") for name in settings):
        raise SettingsError(
            "stand-in: set xpack.security.*; the automatic TLS configuration is not stood in for"
        )


def http_certificate(settings: Mapping[str, str], configuration: Path) -> tuple[Path, Path] | None:
    """Return certificate and key of the HTTP interface, None without TLS; raise SettingsError."""
    prefix = "xpack.security.http.ssl"
    if settings.get(f"{prefix}.enabled") != "true":
        return None
    names = [settings.get(f"{prefix}.{part}") for part in ("certificate", "key")]
    if not all(names):
        raise SettingsError(
            f"invalid SSL configuration for {prefix} - server ssl configuration requires a key and"
            " certificate, but these have not been configured; you must set either"
            f" [{prefix}.keystore.path], or both [{prefix}.key] and [{prefix}.certificate]"
        )
    certificate, key = (configuration / str(name) for name in names)
    for path in (certificate, key):
        if not path.is_relative_to(configuration) or ".." in path.parts:
            raise SettingsError(
                f"failed to load SSL configuration [{prefix}] - cannot read configured [PEM file]"
                f" [{path}] because access to read the file is blocked; SSL resources should be"
                f" placed in the [{configuration}] directory"
            )
    return certificate, key


def bootstrap_password(environment: Mapping[str, str]) -> str:
    """Return ELASTIC_PASSWORD, or what its file holds; raise SettingsError as the image does."""
    plain = environment.get("ELASTIC_PASSWORD", "")
    name = environment.get("ELASTIC_PASSWORD_FILE", "")
    if not name:
        return plain
    if plain:
        raise SettingsError(
            "ERROR: Both ELASTIC_PASSWORD_FILE and ELASTIC_PASSWORD are set. These are mutually"
            " exclusive."
        )
    path = Path(name)
    if not path.exists():
        raise SettingsError(f"ERROR: File {name} from ELASTIC_PASSWORD_FILE does not exist")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode not in MODES:
        link = "(target of symlink) " if path.is_symlink() else ""
        raise SettingsError(
            f"ERROR: File {name} {link}from ELASTIC_PASSWORD_FILE must have file permissions 400,"
            f" 600, 440 or 640, but actually has: {mode:o}"
        )
    try:
        return path.read_text("utf-8").rstrip("\n")
    except OSError as error:
        raise SettingsError(f"cat: {name}: {error.strerror}") from error
