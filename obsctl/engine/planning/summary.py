"""What a change of the rendered files means: targets, alerts, routes, dashboards; pure."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import yaml

from obsctl.project.plain_yaml import load_plain

Texts = Mapping[str, str]
Named = Mapping[str, Any]

_LISTED_MAX: Final = 6
_ALIKE_MAX: Final = 3  # changes of alerts that have a line each, though they are the same
_DASHBOARDS: Final = "grafana/dashboards/"
_NUMBER: Final = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.])")
_NUMBERED: Final = " #"  # before the number of one of several rules of a name
_HOLDS_DIGIT: Final = re.compile(r"\d")
# Files whose change is best told by the name of the thing that they make up.
_OTHERS: Final = (
    ("blackbox/", "probe modules change"),
    ("alertmanager/templates/", "message templates change"),
    ("logstash/pipeline/", "the log pipeline changes"),
    ("logstash/config/", "Logstash's own settings change"),
    ("elasticsearch/", "the set-up of Elasticsearch changes"),
    ("kibana/", "the settings of Kibana change"),
    ("grafana/provisioning/", "Grafana's provisioning changes"),
)


def summarise(old: Texts, new: Texts) -> tuple[str, ...]:
    """One line a change, from the files by path as they are and as they would be."""
    lines = [
        *_target_lines(_targets(old), _targets(new)),
        *_setting_lines(_section(old, "global"), _section(new, "global")),
        *_alert_lines(_rules(old, "alert"), _rules(new, "alert")),
        *_changed_names("recording rule", _rules(old, "record"), _rules(new, "record")),
        *_changed_names("receiver", _receivers(old), _receivers(new)),
        *_routing_lines(old, new),
        *_changed_names("dashboard", _dashboards(old), _dashboards(new)),
    ]
    for prefix, words in _OTHERS:
        if _below(old, prefix) != _below(new, prefix):
            lines.append(words)
    return tuple(lines)


def _parsed(texts: Texts, path: str) -> Named:
    try:
        found = load_plain(texts.get(path, ""))
    except yaml.YAMLError:
        return {}  # edited by hand: all of it counts as new
    return found if isinstance(found, dict) else {}


def _below(texts: Texts, prefix: str) -> dict[str, str]:
    return {path: text for path, text in texts.items() if path.startswith(prefix)}


def _section(texts: Texts, key: str) -> Named:
    section = _parsed(texts, "prometheus/prometheus.yml").get(key)
    return section if isinstance(section, dict) else {}


# targets


def _targets(texts: Texts) -> dict[str, Any]:
    """Scrape job and address, each with what else is said of the job."""
    found: dict[str, Any] = {}
    for job in _parsed(texts, "prometheus/prometheus.yml").get("scrape_configs") or ():
        rest = {key: value for key, value in job.items() if key != "static_configs"}
        for group in job.get("static_configs") or ():
            for target in group.get("targets") or ():
                found[f"{job.get('job_name')} {target}"] = (rest, group.get("labels"))
    return found


def _target_lines(old: Named, new: Named) -> Iterator[str]:
    added, removed = sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys())
    if added:
        yield f"adds {_counted(added, 'target')}"
    if removed:
        yield f"removes {_counted(removed, 'target')}"
    changed = [name for name in sorted(old.keys() & new.keys()) if old[name] != new[name]]
    if changed:
        yield f"scrapes in another way {_counted(changed, 'target')}"


def _counted(names: Sequence[str], noun: str) -> str:
    apart = list(dict.fromkeys(name.partition(_NUMBERED)[0] for name in names))
    shown = ", ".join(apart[:_LISTED_MAX]) + (", ..." if len(apart) > _LISTED_MAX else "")
    return f"{len(names)} {noun}{'' if len(names) == 1 else 's'}: {shown}"


def _setting_lines(old: Named, new: Named) -> Iterator[str]:
    """Nothing where there were none before: then all of it is new."""
    for key in sorted(old.keys() | new.keys()) if old else ():
        if old.get(key) != new.get(key):
            yield f"{key} {_shown(old.get(key))} -> {_shown(new.get(key))}"


def _shown(value: object) -> str:
    return "none" if value in (None, "", [], {}) else str(value)


# alerts


def _rules(texts: Texts, key: str) -> dict[str, Any]:
    """Rules by name, and by what tells several of one name apart."""
    found: dict[str, Any] = {}
    for path in sorted(_below(texts, "prometheus/")):
        if not path.endswith("rules.yml"):
            continue
        for group in _parsed(texts, path).get("groups") or ():
            for rule in group.get("rules") or ():
                if key in rule:
                    found[_unused(found, _rule_name(rule, key))] = rule
    return found


def _rule_name(rule: Named, key: str) -> str:
    labels = rule.get("labels") or {}
    parts = [str(labels[name]) for name in ("service", "severity") if name in labels]
    return f"{rule[key]} ({', '.join(parts)})" if parts and key == "alert" else str(rule[key])


def _unused(found: Named, name: str) -> str:
    number = 2
    free = name
    while free in found:
        free, number = f"{name}{_NUMBERED}{number}", number + 1
    return free


def _alert_lines(old: Named, new: Named) -> Iterator[str]:
    yield from _changed_names("alert", old, new, only_presence=True)
    alike: dict[str, list[str]] = {}
    for name in sorted(old.keys() & new.keys()):
        if old[name] != new[name]:
            alike.setdefault(", ".join(_alert_changes(old[name], new[name])), []).append(name)
    for words, names in alike.items():
        if len(names) > _ALIKE_MAX:
            yield f"{words} in {_counted(names, 'alert')}"
        else:
            yield from (f"{name}: {words}" for name in names)


def _alert_changes(old: Named, new: Named) -> Iterator[str]:
    is_other = old.get("expr") != new.get("expr")
    pairs = _threshold(old, new)
    if is_other and not pairs:
        pairs = _numbers(str(old.get("expr")), str(new.get("expr")))
    if told := bool(pairs) or is_other:
        yield ", ".join(f"{one} -> {two}" for one, two in pairs) if pairs else "another expression"
    for key in ("for", "keep_firing_for"):
        if old.get(key) != new.get(key):
            yield f"{key} {_shown(old.get(key))} -> {_shown(new.get(key))}"
            told = True
    labels = list(_setting_lines(old.get("labels") or {}, new.get("labels") or {}))
    yield from labels
    if not told and not labels:
        yield "other words"


def _threshold(old: Named, new: Named) -> list[tuple[str, str]]:
    """The description says a threshold in its own unit, where the expression may hide it."""
    one, two = (str((rule.get("annotations") or {}).get("description", "")) for rule in (old, new))
    return _differing(one.split(), two.split())


def _numbers(old: str, new: str) -> list[tuple[str, str]]:
    """Numbers that differ in expressions that are the same but for them."""
    if _NUMBER.sub("0", old) != _NUMBER.sub("0", new):
        return []
    return _differing(_NUMBER.findall(old), _NUMBER.findall(new))


def _differing(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, str]]:
    if len(old) != len(new):
        return []
    pairs = [(one, two) for one, two in zip(old, new, strict=True) if one != two]
    if not all(_HOLDS_DIGIT.search(one) and _HOLDS_DIGIT.search(two) for one, two in pairs):
        return []
    return list(dict.fromkeys((one.strip(".,;:()"), two.strip(".,;:()")) for one, two in pairs))


# the rest


def _changed_names(
    noun: str, old: Named, new: Named, *, only_presence: bool = False
) -> Iterator[str]:
    kept = old.keys() & new.keys() if not only_presence else ()
    changed = (name for name in kept if old[name] != new[name])
    sets: tuple[tuple[str, Iterable[str]], ...] = (
        ("adds", new.keys() - old.keys()),
        ("removes", old.keys() - new.keys()),
        ("changes", changed),
    )
    for verb, names in sets:
        if listed := sorted(names):
            yield f"{verb} {_counted(listed, noun)}"


def _receivers(texts: Texts) -> dict[str, Any]:
    receivers = _parsed(texts, _ALERTMANAGER).get("receivers") or ()
    return {str(receiver.get("name")): receiver for receiver in receivers}


_ALERTMANAGER: Final = "alertmanager/alertmanager.yml"


def _routing_lines(old: Texts, new: Texts) -> Iterator[str]:
    before, after = _parsed(old, _ALERTMANAGER), _parsed(new, _ALERTMANAGER)
    for key, words in (
        ("route", "alerts are routed in another way"),
        ("inhibit_rules", "other alerts hold each other back"),
        ("time_intervals", "other times are quiet"),
    ):
        if before and before.get(key) != after.get(key):
            yield words


def _dashboards(texts: Texts) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path, text in _below(texts, _DASHBOARDS).items():
        try:
            title = str(json.loads(text).get("title", path))
        except (ValueError, AttributeError):
            title = path
        found[_unused(found, title)] = text
    return found
