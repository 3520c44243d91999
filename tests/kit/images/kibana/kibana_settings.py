"""Settings of the Kibana stand-in: merged `-c` files, `--key=value`, variables."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from standin import words
from standin_tls import trusting

Json = Any

VARIABLE = re.compile(r"\$\{(\w+)(?::([^}]*))?\}")
KNOWN = words(
    "aiops assistant console coreApp csp data data_views dataViews deprecation dev_tools"
    " elasticsearch enterpriseSearch execution_context externalUrl feature_flags i18n"
    " interactiveSetup logging map migrations monitoring newsfeed node no_data_page notifications"
    " ops path permissionsPolicy pid plugins pricing regionmap savedObjects security server"
    " serverless share status telemetry tilemap uiSettings unifiedSearch url_drilldown"
    " usageCollection vega vis_type_table vis_type_timeseries vis_type_vega visTypeVega xpack"
)
FROM_ENVIRONMENT = words(
    "elasticsearch.customHeaders elasticsearch.hosts elasticsearch.password"
    " elasticsearch.pingTimeout elasticsearch.requestTimeout elasticsearch.serviceAccountToken"
    " elasticsearch.shardTimeout elasticsearch.username logging.root.level"
    " monitoring.ui.container.elasticsearch.enabled monitoring.ui.enabled path.data pid.file"
    " savedObjects.maxImportPayloadBytes server.basePath server.host server.maxPayload server.name"
    " server.port server.publicBaseUrl server.rewriteBasePath server.shutdownTimeout"
    " status.allowAnonymous telemetry.enabled telemetry.optIn"
    " xpack.encryptedSavedObjects.encryptionKey xpack.reporting.encryptionKey"
    " xpack.security.encryptionKey xpack.security.session.idleTimeout"
    " xpack.security.session.lifespan"
)
KEYS = ("encryptedSavedObjects", "security")
KEY_LENGTH = 32
PRIMARY = "xpack.encryptedSavedObjects.encryptionKey"
FORMER = "xpack.encryptedSavedObjects.keyRotation.decryptionOnlyKeys"


class SettingsError(Exception):
    """Kibana can't start; `code` is its exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def flatten(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turn nested mappings into dotted keys."""
    flat: dict[str, Any] = {}
    for key, item in value.items():
        nested = isinstance(item, Mapping)
        flat.update(flatten(item, f"{prefix}{key}.") if nested else {f"{prefix}{key}": item})
    return flat


def expand(value: Json, environment: Mapping[str, str]) -> Json:
    """Replace `${VAR}` in strings; an undefined variable is an error."""
    if isinstance(value, list):
        return [expand(item, environment) for item in value]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        found = environment.get(match[1], match[2])
        if found is None:
            raise SettingsError(
                f"Unknown environment variable referenced in config : {match[1]}", 64
            )
        return found

    return VARIABLE.sub(replace, value)


def variable_arguments(environment: Mapping[str, str]) -> list[str]:
    """Return the variables that kibana-docker turns into arguments."""
    names = {name.replace(".", "_").upper(): name for name in FROM_ENVIRONMENT}
    return [f"--{names[n]}={v}" for n, v in environment.items() if n in names and v]


def read_settings(
    arguments: list[str], environment: Mapping[str, str], default: Path
) -> dict[str, Any]:
    """Merge the files in order, then the `--key=value` arguments; raise SettingsError."""
    files, given = parse_arguments(arguments)
    settings: dict[str, Any] = {}
    for path in files or ([default] if default.exists() else []):
        try:
            document = yaml.safe_load(path.read_text("utf-8")) or {}
        except OSError as error:
            raise SettingsError(f"ENOENT: {error.strerror}, open '{path}'", 64) from error
        if not isinstance(document, dict):
            raise SettingsError(f"{path}: a mapping is expected", 64)
        settings |= flatten(document)
    settings |= given
    settings = {key: expand(value, environment) for key, value in settings.items()}
    check(settings)
    return settings


def parse_arguments(arguments: list[str]) -> tuple[list[Path], dict[str, Any]]:
    """Return the files of `-c` and the settings of `--key=value`."""
    files: list[Path] = []
    given: dict[str, Any] = {}
    rest = iter(a for a in arguments if a not in {"serve", "--allow-root"})
    for argument in rest:
        name, equals, value = argument.partition("=")
        if name in {"-c", "--config"}:
            files.append(Path(value if equals else next(rest, "")))
        elif name.startswith("--") and equals:
            given[name[2:]] = yaml.safe_load(value)
        else:
            raise SettingsError(f"error: unknown option '{argument}'", 64)
    return files, given


def authorities(settings: Mapping[str, Any]) -> ssl.SSLContext | None:
    """Return whose certificates Elasticsearch may have; raise SettingsError."""
    named = settings.get("elasticsearch.ssl.certificateAuthorities") or []
    try:
        return trusting([named] if isinstance(named, str) else named)
    except OSError as error:
        raise SettingsError(f"{error.strerror or error}, open '{named}'") from error


def check(settings: Mapping[str, Any]) -> None:
    """Raise SettingsError for what Kibana refuses."""
    unknown = sorted(name for name in settings if name.partition(".")[0] not in KNOWN)
    if unknown:
        raise SettingsError(
            f'Unknown configuration key(s): "{unknown[0]}". Check for spelling errors and ensure'
            " that expected plugins are installed.",
            64,
        )
    if settings.get("elasticsearch.username") == "elastic":
        raise SettingsError(
            '[config validation of [elasticsearch].username]: value of "elastic" is forbidden.'
            " This is a superuser account that cannot write to system indices that Kibana needs"
            " to function. Use a service account token instead.",
            78,
        )
    primary, former = settings.get(PRIMARY), settings.get(FORMER) or []
    short = next((n for n, key in enumerate(former) if len(str(key)) < KEY_LENGTH), None)
    if short is not None:
        raise SettingsError(
            f"[config validation of [xpack.encryptedSavedObjects].keyRotation.decryptionOnlyKeys."
            f"{short}]: value has length [{len(str(former[short]))}] but it must have a minimum"
            f" length of [{KEY_LENGTH}].",
            78,
        )
    if primary in former:
        raise SettingsError(
            "[config validation of [xpack.encryptedSavedObjects]]: `keyRotation.decryptionOnlyKeys`"
            " cannot contain primary encryption key specified in `encryptionKey`.",
            78,
        )
    for name in KEYS:
        key = settings.get(f"xpack.{name}.encryptionKey")
        if key is not None and len(str(key)) < KEY_LENGTH:
            raise SettingsError(
                f"[config validation of [xpack.{name}].encryptionKey]: value has length"
                f" [{len(str(key))}] but it must have a minimum length of [{KEY_LENGTH}].",
                78,
            )
