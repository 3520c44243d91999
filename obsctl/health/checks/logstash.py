"""Logstash: its pipelines run, and they are the rendered ones."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from obsctl.health.context import Context
from obsctl.health.report import Finding
from obsctl.health.times import parse_time

_CONFIG: Final = "logstash/pipeline/logstash.conf"
_SECTIONS: Final = ("inputs", "filters", "outputs")
_SETTLED_S: Final = 1.0
"""Times of files and of Logstash are those of one machine, told in whole seconds."""
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
    """The plugins of the pipeline file against those that are loaded, by their ids."""
    claim = context.claim("configuration", "logstash", "has loaded the rendered pipeline")
    pipelines = context.get("logstash", "/_node/stats/pipelines").json()["pipelines"]
    wanted = _PLUGIN_ID.findall(context.text_on_disk(_CONFIG))
    loaded = [plugin for entry in pipelines.values() for plugin in _plugin_ids(entry)]
    written = _last_written(context)
    failed = {
        name: error for name, entry in pipelines.items() if (error := _reload_error(entry, written))
    }
    if failed:
        name, error = next(iter(failed.items()))
        yield claim.fail("pipeline-reload-failed", f"{name}: {error}")
    elif found := _difference(wanted, loaded):
        yield claim.fail("pipeline-not-loaded", found)
    else:
        yield claim.ok(f"{len(wanted)} plugins of {len(pipelines)} pipelines")


def _difference(wanted: Sequence[str], loaded: Sequence[str]) -> str:
    """The first plugin that is on one side only; every rendered plugin has an id of its own."""
    missing = next((plugin for plugin in wanted if plugin not in loaded), None)
    if missing:
        return f"the plugin `{missing}` is not loaded"
    extra = next((plugin for plugin in loaded if plugin not in wanted), None)
    return f"the plugin `{extra}` is loaded and not rendered" if extra else ""


def _plugin_ids(pipeline: Mapping[str, Any]) -> Iterator[str]:
    """Of inputs, filters and outputs; a codec without an id is given another one at each start."""
    plugins = pipeline.get("plugins") or {}
    for section in _SECTIONS:
        yield from (str(plugin["id"]) for plugin in plugins.get(section) or () if "id" in plugin)


def _last_written(context: Context) -> float:
    """When a file of the pipeline changed last, in seconds since the epoch."""
    folder = (context.stack_directory / _CONFIG).parent
    return max((file.stat().st_mtime for file in folder.glob("*")), default=0.0)


def _reload_error(pipeline: Mapping[str, Any], written: float) -> str:
    """Why the present files are not loaded; one that was put right is not even reloaded."""
    reloads = pipeline.get("reloads") or {}
    failed, succeeded = (
        str(reloads.get(f"last_{kind}_timestamp") or "") for kind in ("failure", "success")
    )
    if failed <= succeeded:  # ISO 8601: the order of the text is that of time
        return ""
    if parse_time(failed) + _SETTLED_S < written:
        return ""
    return str((reloads.get("last_error") or {}).get("message") or "reload failed")


def losses(context: Context) -> Iterator[Finding]:
    """What goes in comes out: events that Elasticsearch refused are lost or set aside."""
    claim = context.claim("signals", "logstash", "passes its events on")
    pipelines = context.get("logstash", "/_node/stats/pipelines").json()["pipelines"]
    events = {key: _total(pipelines, key) for key in ("in", "out")}
    refused = sum(_refused(entry) for entry in pipelines.values())
    told = f"{events['in']} events in, {events['out']} out"
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
