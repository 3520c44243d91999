"""Checks the rendered files before they are used: in-process always, upstream's tools if there."""

import os
import re
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from obsctl.conventions import COMPOSE_FILE
from obsctl.errors import Location, Problem, RenderError
from obsctl.project.addresses import RefusedError, parse_address
from obsctl.render.patches import parsed
from obsctl.render.rendered import RenderedFile, encoded
from obsctl.render.tools import Outcome, tool_checks

_RULES = ("prometheus/alert_rules.yml", "prometheus/recording_rules.yml")
_PROMETHEUS = "prometheus/prometheus.yml"
_DATASOURCES = "grafana/provisioning/datasources/obsctl.yml"
_DASHBOARDS = "grafana/dashboards/"
# The value of a label matcher that is as good as any other; as a regular expression too.
_MATCHED = re.compile(r'(?<=[=~])"[\w.-]+"')
_STRING = r'"((?:[^"\\]|\\.)*)"'
# What names a datasource in a dashboard's text, and what else might.
_SOURCE = re.compile(rf'"datasource"\s*:\s*(?:{{((?:[^{{}}"]|{_STRING})*)}}|{_STRING}|null)')
_SOURCE_KEY = re.compile(r'"datasource"\s*:')
_UID = re.compile(rf'"uid"\s*:\s*{_STRING}')
# Grafana's own, on every installation.
_BUILT_IN_SOURCES = frozenset({"grafana", "-- Grafana --", "-- Mixed --", "-- Dashboard --"})


@dataclass(frozen=True, slots=True)
class Verification:
    """What the checkers found; without problems the files are fit to be used.

    `missed` tells which checks could not run here, and why.
    """

    problems: tuple[Problem, ...]
    missed: tuple[str, ...] = ()


def verify(files: Iterable[RenderedFile], directory: Path) -> Verification:
    """Check files that need not be on disk yet; `directory` is where problems are located."""
    return begin(files, directory)()


def begin(files: Iterable[RenderedFile], directory: Path) -> Callable[[], Verification]:
    """Begin to verify; the tools go on by themselves until what this returns is called."""
    texts = {str(file.path): file.text for file in files}
    pool = ThreadPoolExecutor(1, thread_name_prefix="verify")
    outcomes = pool.submit(_with_tools, texts)
    pool.shutdown(wait=False)
    own = _own_problems(texts, directory)
    return cache(lambda: _judged(own, outcomes.result(), directory))


def _own_problems(texts: Mapping[str, str], directory: Path) -> list[Problem]:
    return [
        *_rule_problems(texts, directory),
        *_target_problems(texts, directory),
        *_dashboard_problems(texts, directory),
    ]


def _judged(own: Iterable[Problem], outcomes: Iterable[Outcome], directory: Path) -> Verification:
    problems, missed = list(own), []
    for outcome in outcomes:
        if outcome.missed:
            missed.append(outcome.missed)
        elif outcome.complaint:
            place = Location(directory / outcome.file, outcome.line, 1)
            problems.append(Problem(f"{outcome.check}: {outcome.complaint}", place))
    return Verification(tuple(problems), tuple(dict.fromkeys(missed)))


def raise_on_problems(verification: Verification) -> None:
    """Raises RenderError with all that the checkers found."""
    if verification.problems:
        raise RenderError(*verification.problems)


def _with_tools(texts: Mapping[str, str]) -> list[Outcome]:
    """Run the tools on a copy: what is on disk now stays as it is until all agree."""
    with tempfile.TemporaryDirectory(prefix="obsctl-") as name:
        tree = Path(name) / "stack"
        for path, text in texts.items():
            if path == COMPOSE_FILE or path.startswith(("prometheus/", "alertmanager/")):
                (tree / path).parent.mkdir(parents=True, exist_ok=True)
                with (tree / path).open("wb") as file:
                    file.writelines(encoded(text))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            # The longest is the last: it begins first.
            running = [pool.submit(check, tree) for check in reversed(tool_checks())]
            return [one.result() for one in reversed(running)]


def _rule_problems(texts: Mapping[str, str], directory: Path) -> Iterator[Problem]:
    import promql_parser

    sound: set[str] = set()  # hundreds of services differ in the matchers' values only
    for path in _RULES:
        for rule in _rules(parsed(path, texts.get(path, "{}"))):
            expr = str(rule.get("expr"))
            shape = _MATCHED.sub('"x"', expr)
            if shape in sound:
                continue
            try:
                promql_parser.parse(expr)
                sound.add(shape)
            except ValueError as error:
                name = rule.get("alert") or rule.get("record")
                message = f"expression of `{name}` is no PromQL: {error}"
                yield Problem(message, _line_of(texts[path], directory / path, f": {name}"))


def _rules(document: Any) -> Iterator[Mapping[str, object]]:  # noqa: ANN401 - parsed YAML
    for group in document.get("groups") or ():
        yield from group.get("rules") or ()


def _target_problems(texts: Mapping[str, str], directory: Path) -> Iterator[Problem]:
    """Promtool takes `host:99999` and `a:b:c`; a patch may bring them."""
    document = parsed(_PROMETHEUS, texts.get(_PROMETHEUS, "{}"))
    for job in document.get("scrape_configs") or ():
        is_probe = "module" in (job.get("params") or {})
        for group in () if is_probe else job.get("static_configs") or ():
            for target in group.get("targets") or ():
                try:
                    parse_address(str(target))
                except RefusedError as error:
                    message = f"target `{target}` of job `{job.get('job_name')}`: {error.message}"
                    place = _line_of(texts[_PROMETHEUS], directory / _PROMETHEUS, str(target))
                    yield Problem(message, place, error.hint)


def _dashboard_problems(texts: Mapping[str, str], directory: Path) -> Iterator[Problem]:
    sources = parsed(_DATASOURCES, texts.get(_DATASOURCES, "{}")).get("datasources") or ()
    known = _BUILT_IN_SOURCES | {str(source.get("uid")) for source in sources}
    for path, text in texts.items():
        if path.startswith(_DASHBOARDS) and not _names_only(text, known):
            for uid in sorted(set(_source_uids(parsed(path, text))) - known):
                message = f"datasource `{uid}` of dashboard `{Path(path).stem}` does not exist"
                yield Problem(message, _line_of(text, directory / path, f'"{uid}"'))


def _names_only(text: str, known: Collection[str]) -> bool:
    """Whether its text alone shows that a dashboard names no other datasources than those."""
    found = [match.groups() for match in _SOURCE.finditer(text)]
    if "\\u" in text or len(found) != len(_SOURCE_KEY.findall(text)):
        return False  # reading it tells
    uids = {uid for whole, _, _ in found if whole for uid in _UID.findall(whole)}
    uids |= {name for _, _, name in found if name}
    return all(uid in known or "$" in uid for uid in uids)


def _source_uids(model: object) -> Iterator[str]:
    """The uid of every datasource in a dashboard; variables stand for one of them."""
    if isinstance(model, Mapping):
        source = model.get("datasource")
        uid = source.get("uid") if isinstance(source, Mapping) else source
        if isinstance(uid, str) and "$" not in uid:
            yield uid
        for value in model.values():
            yield from _source_uids(value)
    elif isinstance(model, list):
        for value in model:
            yield from _source_uids(value)


def _line_of(text: str, path: Path, part: str) -> Location:
    for number, line in enumerate(text.splitlines(), 1):
        if (column := line.find(part)) >= 0:
            return Location(path, number, column + 1, len(part))
    return Location(path, 1, 1)
