"""Logstash: its pipelines run, and they are the rendered ones."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from obsctl.health.asking.context import Context
from obsctl.health.findings.report import Finding

_FOLDER: Final = "logstash/pipeline"
_MOUNTED: Final = "/usr/share/logstash/pipeline"
_PIPELINES: Final = "logstash/config/pipelines.yml"
_SECTIONS: Final = ("inputs", "filters", "outputs")
_PLUGIN_ID: Final = re.compile(r"""^\s*id\s*=>\s*["']([^"']+)["']""", re.MULTILINE)


def ready(context: Context) -> Iterator[Finding]:
    """/_health_report answers 200 whatever it says: its status is what counts."""
    claim = context.claim("readiness", "logstash", "its pipelines run")
    answer = context.get("logstash", "/_health_report")
    report = answer.json()
    pipelines = report["indicators"]["pipelines"].get("indicators") or {}
    states = {name: _state(entry) for name, entry in pipelines.items()}
    told = ", ".join(f"{name}: {state}" for name, state in states.items()) or "no pipeline"
    if report["status"] != "green" or not states:
        evidence = f"{report['status']}: {report.get('symptom')}; {told}"
        yield claim.fail("pipeline-not-running", evidence)
        return
    yield claim.ok(f"green in {answer.seconds * 1000:.0f} ms, {told}")


def _state(pipeline: Mapping[str, Any]) -> str:
    details = pipeline.get("details") or {}
    return str((details.get("status") or {}).get("state") or pipeline.get("status"))


def configuration(context: Context) -> Iterator[Finding]:
    """Each pipeline of pipelines.yml: its files against the text that is loaded, byte for byte."""
    claim = context.claim("configuration", "logstash", "has loaded the rendered pipeline")
    stats = context.get("logstash", "/_node/stats/pipelines").json()["pipelines"]
    told = context.get("logstash", "/_node/pipelines").json()["pipelines"]
    # Logstash's own, such as of its monitoring, have names with a dot.
    loaded = {name: entry for name, entry in told.items() if not name.startswith(".")}
    texts = {str(one["pipeline.id"]): _text(context, one) for one in _pipelines(context)}
    for name, text in texts.items():
        entry = stats.get(name) or {}
        running = loaded.get(name) or {}
        found = _difference(text, entry, running.get("hash")) if running else "it is not loaded"
        # What was refused and put right again is not even reloaded.
        error = _reload_error(entry) if found or "hash" not in running else ""
        if error:
            yield claim.fail("pipeline-reload-failed", f"{name}: {error}")
            return
        if found:
            yield claim.fail("pipeline-not-loaded", f"{name}: {found}")
            return
    if more := sorted(loaded.keys() - texts.keys()):
        yield claim.fail("pipeline-not-loaded", f"{more[0]}: it is loaded and not in stack/")
        return
    count = sum(len(_PLUGIN_ID.findall(text)) for text in texts.values() if text)
    yield claim.ok(f"{', '.join(texts)}: {count} plugins, the text is the loaded one")


def _pipelines(context: Context) -> list[Mapping[str, Any]]:
    entries: list[Mapping[str, Any]] = context.on_disk(_PIPELINES) or [{"pipeline.id": "main"}]
    return entries


def _text(context: Context, entry: Mapping[str, Any]) -> str | None:
    """What Logstash makes of a pipeline's files: one after the other by name.

    None where they are not those of stack/.
    """
    place = str(entry.get("path.config", f"{_MOUNTED}/*.conf"))
    if not place.startswith(_MOUNTED):
        return None
    pattern = place.removeprefix(_MOUNTED).strip("/") or "*"
    found = sorted(path.name for path in (context.stack_directory / _FOLDER).glob(pattern))
    names = (name for name in found if not name.startswith(".") and not name.endswith("~"))
    return "\n".join(context.text_on_disk(f"{_FOLDER}/{name}") for name in names)


def _difference(text: str | None, stats: Mapping[str, Any], loaded_hash: str | None) -> str:
    """The first plugin that is on one side only; else that the text is another one."""
    if text is None:
        return ""
    wanted, loaded = _PLUGIN_ID.findall(text), list(_plugin_ids(stats))
    missing = next((plugin for plugin in wanted if plugin not in loaded), None)
    if missing:
        return f"the plugin `{missing}` is not loaded"
    extra = next((plugin for plugin in loaded if plugin not in wanted), None)
    if extra:
        return f"the plugin `{extra}` is loaded and not in stack/"
    # Logstash's hash of a pipeline is the SHA-256 of its text.
    digest = hashlib.sha256(text.encode()).hexdigest()
    if loaded_hash in (None, digest):
        return ""
    return (
        f"its plugins are there with other settings (text {digest[:12]}, loaded {loaded_hash[:12]})"
    )


def _plugin_ids(pipeline: Mapping[str, Any]) -> Iterator[str]:
    """Of inputs, filters and outputs; a codec without an id is given another one at each start."""
    plugins = pipeline.get("plugins") or {}
    for section in _SECTIONS:
        yield from (str(plugin["id"]) for plugin in plugins.get(section) or () if "id" in plugin)


def _reload_error(pipeline: Mapping[str, Any]) -> str:
    """Why the last reload failed, where none has succeeded since."""
    reloads = pipeline.get("reloads") or {}
    failed, succeeded = (
        str(reloads.get(f"last_{kind}_timestamp") or "") for kind in ("failure", "success")
    )
    if failed <= succeeded:  # ISO 8601: the order of the text is that of time
        return ""
    return str((reloads.get("last_error") or {}).get("message") or "reload failed")


def losses(context: Context) -> Iterator[Finding]:
    """What goes in comes out: events that Elasticsearch refused are lost or set aside."""
    claim = context.claim("signals", "logstash", "passes its events on")
    pipelines = context.get("logstash", "/_node/stats/pipelines").json()["pipelines"]
    events = {key: _total(pipelines, key) for key in ("in", "out")}
    refused = sum(_refused(entry) for entry in pipelines.values())
    told = f"since it was started: {events['in']} events in, {events['out']} out"
    if refused:
        yield claim.warn("events-refused", f"{told}, {refused} refused by Elasticsearch")
        return
    yield claim.ok(told)


def _total(pipelines: Mapping[str, Any], key: str) -> int:
    return sum(int((entry.get("events") or {}).get(key) or 0) for entry in pipelines.values())


def _refused(pipeline: Mapping[str, Any]) -> int:
    outputs = (pipeline.get("plugins") or {}).get("outputs") or ()
    counts = ((output.get("documents") or {}).get("non_retryable_failures") for output in outputs)
    return sum(int(count or 0) for count in counts)
