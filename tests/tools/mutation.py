"""Do the rendered unit tests notice a wrong threshold? Changes one at a time and runs promtool.

`python -m tests.tools.mutation` prints the figures. A threshold is raised by half; one below
which an alert fires is lowered by half as well. Then every other number that a rule compares
with: traffic guards, floors, the shares of the exact latency form, burn rates.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import yaml

from obsctl.catalog.model import Catalog, Tier
from obsctl.project.findings import Findings
from obsctl.project.load import LoadedProject
from obsctl.stack import slo
from obsctl.stack.alerts import Applied, Applier, recording_rules
from obsctl.stack.cases import EVALUATION_S, SLOW_EVALUATION_S, looks
from obsctl.stack.links import Links
from obsctl.stack.model import Rule
from obsctl.stack.packing import Look, packed
from obsctl.stack.slo_cases import looks as slo_looks
from obsctl.stack.subjects import Subject, subjects, targets_of
from obsctl.stack.thresholds import Tuned, key_of
from tests.kit.tools import ensure_tools
from tests.unit.catalog_support import EVERY_KIND, loaded, whole_catalog

_COMPARED: Final = re.compile(r"([<>]=?)\s+([0-9]+(?:\.[0-9]+)?)(?![0-9.]| [*/] )")


@dataclass(frozen=True, slots=True)
class Mutant:
    """Rules with one number changed, and the tests of the rules as they should be."""

    name: str
    rules: tuple[Rule, ...] | None  # None: obsctl refuses the changed number
    looks: tuple[Look, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    name: str
    killed: bool


def threshold_mutants(project: LoadedProject, catalog: Catalog) -> Iterator[Mutant]:
    """One for each tier of each alert of each kind, two where it fires below."""
    for applier, subject in _watched(project, catalog):
        for applied in applier.apply(subject):
            tests = tuple(looks(applied))
            for tier in applied.alert.tiers:
                yield from _of_tier(applier, applied, tier, tests)


def _of_tier(
    applier: Applier, applied: Applied, tier: Tier, tests: tuple[Look, ...]
) -> Iterator[Mutant]:
    if not tier.threshold:
        return
    for factor in (1.5, 0.5) if applied.alert.below else (1.5,):
        changed = replace(tier, threshold=tier.threshold * factor)
        tiers = tuple(changed if each is tier else each for each in applied.alert.tiers)
        alert = replace(applied.alert, tiers=tiers)
        findings = Findings(applier.findings.document)
        tuned = {**applier.tuned, key_of(alert): Tuned(alert)}
        mutated = replace(applier, tuned=tuned, findings=findings)
        rules = [
            rule
            for each in mutated.apply(applied.subject)
            if each.alert.name == alert.name
            for rule in each.rules
        ]
        name = f"{applied.subject.service} {alert.name} {tier.severity} x{factor}"
        refused = bool(findings.problems)
        recorded = tuple(recording_rules(applied.subject))
        yield Mutant(name, None if refused else (*recorded, *rules), tests)


def unchanged(project: LoadedProject, catalog: Catalog) -> Iterator[Mutant]:
    """The rules as they are: tests that fail on these would notice anything."""
    for applier, subject in _watched(project, catalog):
        recorded = tuple(recording_rules(subject))
        for applied in applier.apply(subject):
            name = f"{subject.service} {applied.alert.name}"
            yield Mutant(name, (*recorded, *applied.rules), tuple(looks(applied)))


def constant_mutants(project: LoadedProject, catalog: Catalog) -> Iterator[Mutant]:
    """One for each other number that an alert compares with, burn rates among them."""
    for applier, subject in _watched(project, catalog):
        recorded = tuple(recording_rules(subject))
        for applied in applier.apply(subject):
            thresholds = {tier.threshold for tier in applied.alert.tiers}
            for changed in _changed(applied.rules, thresholds):
                name = f"{subject.service} {applied.alert.name} {changed[0]}"
                yield Mutant(name, (*recorded, *changed[1]), tuple(looks(applied)))
    by_name = {s.service: s for s in subjects(project.project, catalog, _quiet(project))}
    for promise in slo.promises(project.project, by_name, _quiet(project)):
        recorded = (*recording_rules(promise.subject), *slo.recordings(promise))
        rules = tuple(slo.alert_rules(promise, Links(project.project)))
        for where, mutated in _changed(rules, set()):
            name = f"{promise.subject.service} {promise.alert} {where}"
            yield Mutant(name, (*recorded, *mutated), tuple(slo_looks(promise)))


def _changed(
    rules: Sequence[Rule], thresholds: set[float | None]
) -> Iterator[tuple[str, tuple[Rule, ...]]]:
    for index, rule in enumerate(rules):
        for match in _COMPARED.finditer(rule.expr):
            number = float(match[2])
            if not number or number in thresholds:
                continue
            # One pair of burn rates is one number, though it stands there twice.
            text = f"{match[1]} {number * 1.5:.12g}"
            start, end = match.span()
            expr = rule.expr[:start] + text + rule.expr[end:]
            mutated = [*rules[:index], replace(rule, expr=expr), *rules[index + 1 :]]
            yield f"{rule.labels['severity']} {match[0]}", tuple(mutated)


def _watched(project: LoadedProject, catalog: Catalog) -> Iterator[tuple[Applier, Subject]]:
    """Each kind once: a second service of a kind has the same rules."""
    findings = _quiet(project)
    seen = set()
    for subject in subjects(project.project, catalog, findings):
        for one in (subject, targets_of(subject, catalog)):
            if one.kind.name in seen:
                continue
            seen.add(one.kind.name)
            tuned = {key_of(alert): Tuned(alert) for alert in one.kind.alerts}
            retention = project.project.stack.prometheus.retention
            yield Applier(tuned, Links(project.project), retention, findings), one


def _quiet(project: LoadedProject) -> Findings:
    return Findings(project.document)


def run(mutants: Sequence[Mutant], promtool: Path) -> list[Outcome]:
    """Runs two at a time: promtool uses one core."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda mutant: _run(mutant, promtool), mutants))


def _run(mutant: Mutant, promtool: Path) -> Outcome:
    if mutant.rules is None:
        return Outcome(f"{mutant.name} (refused)", killed=True)
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        _write(
            folder / "rules.yml", {"groups": [{"name": "g", "rules": plain_rules(mutant.rules)}]}
        )
        for slow in (False, True):
            tests = [t.document for t in packed(mutant.looks) if t.slow is slow]
            path = folder / f"test_{slow}.yml"
            if not tests:
                continue
            interval = f"{SLOW_EVALUATION_S if slow else EVALUATION_S}s"
            _write(
                path,
                {"rule_files": ["rules.yml"], "evaluation_interval": interval, "tests": tests},
            )
            command = [str(promtool), "test", "rules", str(path)]
            if subprocess.run(command, capture_output=True, check=False).returncode:
                return Outcome(mutant.name, killed=True)
    return Outcome(mutant.name, killed=False)


def _write(path: Path, content: Any) -> None:  # noqa: ANN401 - plain data
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def plain_rules(rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """As Prometheus reads them; annotations do not matter to a test."""
    plain = []
    for rule in rules:
        named = {"alert": rule.alert} if rule.alert else {"record": rule.record}
        data: dict[str, Any] = {**named, "expr": rule.expr, "labels": dict(rule.labels)}
        if rule.for_:
            data["for"] = str(rule.for_)
        plain.append(data)
    return plain


def main() -> int:
    with tempfile.TemporaryDirectory() as directory:
        project = loaded(Path(directory), EVERY_KIND)
        catalog = whole_catalog()
        promtool = ensure_tools() / "promtool"
        for title, mutants in (
            ("unchanged (0 expected)", list(unchanged(project, catalog))),
            ("thresholds", list(threshold_mutants(project, catalog))),
            ("other numbers", list(constant_mutants(project, catalog))),
        ):
            outcomes = run(mutants, promtool)
            alive = [outcome.name for outcome in outcomes if not outcome.killed]
            print(f"{title}: {len(outcomes) - len(alive)} of {len(outcomes)} noticed")
            for name in alive:
                print(f"  survived: {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
