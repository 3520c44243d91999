"""Settings of the Logstash stand-in: logstash.yml, pipelines.yml, env2yaml and the command line."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from standin import fail, words

HOME = Path(os.environ.get("STANDIN_HOME", "/usr/share/logstash"))
VARIABLE = re.compile(r"\$\{([A-Za-z_.][\w.]*)(?::([^}]*))?\}")
NAMES = words(
    "allow_superuser api.auth.basic.password api.auth.basic.password_policy.mode"
    " api.auth.basic.username api.auth.type api.enabled api.environment api.http.host"
    " api.http.port api.ssl.enabled api.ssl.keystore.password api.ssl.keystore.path"
    " api.ssl.supported_protocols config.debug config.field_reference.escape_style"
    " config.field_reference.parser config.reload.automatic config.reload.interval"
    " config.string config.support_escapes config.test_and_exit dead_letter_queue.enable"
    " dead_letter_queue.flush_interval dead_letter_queue.max_bytes dead_letter_queue.retain.age"
    " dead_letter_queue.storage_policy http.host http.port keystore.classname keystore.file"
    " log.format log.format.json.fix_duplicate_message_fields log.level metric.collect modules"
    " monitoring.cluster_uuid node.name on_superuser path.config path.data"
    " path.dead_letter_queue path.logs path.plugins path.queue path.settings pipeline.batch.delay"
    " pipeline.batch.metrics.sampling_mode pipeline.batch.output_chunking.growth_threshold_factor"
    " pipeline.batch.size pipeline.buffer.type pipeline.ecs_compatibility pipeline.id"
    " pipeline.ordered pipeline.plugin_classloaders pipeline.reloadable"
    " pipeline.separate_logs pipeline.system pipeline.unsafe_shutdown pipeline.workers"
    " queue.checkpoint.acks queue.checkpoint.retry queue.checkpoint.writes queue.compression"
    " queue.drain queue.max_bytes queue.max_events queue.page_capacity queue.type slowlog.enable"
    " ssl.reload.automatic ssl.reload.interval"
)
OPEN_PREFIXES = ("xpack.", "slowlog.threshold.", "var.")
SHORT = {"-f": "path.config", "-e": "config.string", "-w": "pipeline.workers",
         "-b": "pipeline.batch.size", "-l": "path.logs", "-n": "node.name"}  # fmt: skip
SWITCHES = {"-t": "config.test_and_exit", "-r": "config.reload.automatic"}


class SettingsError(Exception):
    """Settings that Logstash refuses."""


def flatten(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turn nested mappings into dotted keys."""
    flat: dict[str, Any] = {}
    for key, item in value.items():
        nested = isinstance(item, Mapping)
        flat.update(flatten(item, f"{prefix}{key}.") if nested else {f"{prefix}{key}": item})
    return flat


def substitute(text: str, environment: Mapping[str, str]) -> str:
    """Replace `${VAR}` and `${VAR:default}` in YAML text."""

    def replace(match: re.Match[str]) -> str:
        value = environment.get(match[1], match[2])
        if value is None:
            raise SettingsError(
                f"Cannot evaluate `{match[0]}`. Replacement variable `{match[1]}` is not defined"
            )
        return value

    return VARIABLE.sub(replace, text)


def from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings that env2yaml takes: names compared without dots and underscores."""
    known = {re.sub(r"[._]", "", name): name for name in NAMES}
    known |= {"xpackmonitoringenabled": "xpack.monitoring.enabled"}
    known |= {"xpackmonitoringelasticsearchhosts": "xpack.monitoring.elasticsearch.hosts"}
    plain = {name: re.sub(r"[._]", "", name).lower() for name in environment}
    return {
        known[short]: yaml.safe_load(environment[name])
        for name, short in plain.items()
        if short in known
    }


def read_settings(text: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings of logstash.yml; raise SettingsError for one that doesn't exist."""
    document = yaml.safe_load(substitute(text, environment)) or {}
    if not isinstance(document, dict):
        raise SettingsError("logstash.yml: a mapping is expected")
    return checked(flatten(document))


def checked(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings if all of them exist."""
    for name in settings:
        if name not in NAMES and not name.startswith(OPEN_PREFIXES):
            raise SettingsError(
                f'Your settings are invalid. Reason: Setting "{name}" doesn\'t exist.'
                " Please check if you haven't made a typo."
            )
    return settings


def read_arguments(arguments: list[str]) -> dict[str, Any]:
    """Return the settings of the command line; raise SettingsError for unknown options."""
    settings: dict[str, Any] = {}
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        key = name.removeprefix("--").removeprefix("no-")
        if name in SWITCHES:
            settings[SWITCHES[name]] = True
        elif name in {"--config.test_and_exit", "--config.reload.automatic", "--config.debug"}:
            settings[key] = value != "false"
        elif name in SHORT or (name.startswith("--") and key in NAMES):
            settings[SHORT.get(name, key)] = yaml.safe_load(value if equals else next(rest, ""))
        else:
            raise SettingsError(f"ERROR: Unrecognised option '{argument}'")
    return settings


def read_pipelines(text: str) -> list[dict[str, Any]]:
    """Return the entries of pipelines.yml, each with flat keys; raise SettingsError."""
    document = yaml.safe_load(text)
    if not isinstance(document, list) or not all(isinstance(e, dict) for e in document):
        raise SettingsError("pipelines.yml must contain an array of pipeline configs")
    entries = [checked(flatten(entry)) for entry in document]
    identifiers = [entry.get("pipeline.id") for entry in entries]
    if None in identifiers or len(set(identifiers)) != len(identifiers):
        raise SettingsError(f"Pipelines with missing or duplicate ids: {identifiers}")
    return entries


def source_text(entry: Mapping[str, Any]) -> str:
    """Return a pipeline's configuration: its string, or its files in order of name."""
    if entry.get("config.string"):
        return str(entry["config.string"])
    pattern = Path(str(entry.get("path.config", "")))
    found = pattern.iterdir() if pattern.is_dir() else pattern.parent.glob(pattern.name)
    paths = [path for path in sorted(found) if path.is_file() and path.name[-1] != "~"]
    if not paths:
        raise SettingsError(f"No config files found in path {pattern}")
    return "\n".join(path.read_text("utf-8") for path in paths)


def env2yaml() -> None:
    """Rewrite logstash.yml when a variable names one of its settings, as the image does."""
    path = HOME / "config" / "logstash.yml"
    if not (found := from_environment(os.environ)):
        return
    try:
        settings = yaml.safe_load(path.read_text("utf-8")) or {}
        path.write_text(yaml.safe_dump({**flatten(settings), **found}), "utf-8")
    except OSError as error:
        fail(f"error: can't rewrite {path} for {sorted(found)}: {error.strerror}")
