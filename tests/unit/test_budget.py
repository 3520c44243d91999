"""`stack.budget`: exact sums, limits of the user's own, and what cannot fit."""

import random
from pathlib import Path

import pytest

from obsctl.health.checks.storage import against_share
from obsctl.health.findings.claim import Claim
from obsctl.project.error_tracking import Bugsink
from obsctl.project.findings import Findings
from obsctl.project.settings import PrometheusSettings
from obsctl.stack.budget import apply_budget, split, told_budget
from obsctl.stack.model import Stack
from obsctl.stack.parts import LEAST_MIB, parts
from obsctl.stack.shares import MIB, in_proportion
from tests.unit.catalog_support import EVERY_KIND, loaded, whole_catalog
from tests.unit.stacks import refused, resolved, service

SERVICES = """\
services:
  backend: { kind: express, targets: ["localhost:3000"] }
  db: { kind: mongodb, address: "db:27017", credentials: { user: u, password: { secret: p } } }
  queue: { kind: kafka, address: "mq:9092", credentials: { user: u, password: { secret: q } } }
  cache: { kind: redis, address: "cache:6379" }
probes: ["http://localhost:3000/health"]
"""
WHOLE = f"{SERVICES}errors: {{ bugsink: {{}} }}\n"


def stack_of(directory: Path, budget: str, more: str = "", text: str = WHOLE) -> Stack:
    return resolved(directory, f"{text}stack: {{ budget: {{ {budget} }}{more} }}\n")


def limits(stack: Stack) -> dict[str, int]:
    return {one.name: one.memory_bytes for one in stack.services}


@pytest.mark.parametrize("size", ["4.7GiB", "5000MB", "8GiB", "16GiB", "1TiB"])
@pytest.mark.parametrize(
    "more",
    [
        "",
        ", without: [grafana]",
        ", without: [kibana]",
        ", without: [elk]",
        ", prometheus: { memory: 1500MB }, kibana: { memory: 1GiB }",
        ", web: { tls: true }, elasticsearch: { tls: true }",
    ],
)
def test_the_limits_of_all_containers_are_the_budget(tmp_path: Path, size: str, more: str) -> None:
    stack = stack_of(tmp_path, f"memory: {size}", more)
    assert stack.budget is not None
    assert stack.budget.memory == limits(stack)
    total = parts_budget(size)
    assert total - MIB < sum(limits(stack).values()) <= total
    for name, least in LEAST_MIB.items():
        assert limits(stack).get(name, least * MIB) >= least * MIB


def parts_budget(size: str) -> int:
    return int(Bugsink.model_validate({"memory": size}).memory.bytes)


def test_no_budget_is_exceeded_and_no_part_starved(tmp_path: Path) -> None:
    """Every size from a little below what fits to far above, for stacks by chance."""
    chance = random.Random(7)  # noqa: S311 - the same cases each time
    catalog, fitting = whole_catalog(), 0
    for _ in range(300):
        names = chance.sample(["grafana", "kibana", "elk"], chance.randint(0, 2))
        set_ = chance.sample(["prometheus", "alertmanager"], chance.randint(0, 2))
        own = "".join(f"  {name}: {{ memory: {chance.randint(64, 3000)}MiB }}\n" for name in set_)
        total = chance.choice([chance.randint(16, 5000), chance.randint(16, 70_000)])
        stack = f"stack:\n  without: [{', '.join(names)}]\n  budget: {{ memory: {total}MiB }}\n"
        project = loaded(tmp_path, EVERY_KIND + stack + own)
        findings = Findings(project.document)
        found, budget = apply_budget(project.project, catalog, findings)
        assert budget is not None
        given = {name: part.memory.bytes for name, part in parts(found).items()}
        if findings.problems:
            assert budget.memory == {}
            continue
        fitting += 1
        assert sum(budget.memory.values()) <= total * MIB
        assert all(budget.memory[name] == size for name, size in given.items())
        assert all(size >= LEAST_MIB[name] * MIB for name, size in given.items())
    assert 100 < fitting < 300


def test_what_is_asked_for_is_enough(tmp_path: Path) -> None:
    """The figure of the error fits, one MiB less does not."""
    (problem,) = refused(tmp_path, f"{WHOLE}stack: {{ budget: {{ memory: 16MiB }} }}\n")
    needed = int(problem.rpartition(" ")[2].removesuffix("MiB"))
    assert problem.startswith("10:28 16MiB of memory cannot hold the stack; it takes at least ")
    assert sum(limits(stack_of(tmp_path, f"memory: {needed}MiB")).values()) == needed * MIB
    assert refused(tmp_path, f"{WHOLE}stack: {{ budget: {{ memory: {needed - 1}MiB }} }}\n")


def test_both_amounts_and_other_problems_are_told_at_once(tmp_path: Path) -> None:
    text = (
        "services: { a: { kind: redis, address: 'x:1' } }\n"
        "stack:\n  budget: { memory: 1GiB, disk: 2GiB }\n  prometheus: { memory: 32MiB }\n"
    )
    project = loaded(tmp_path, f"version: 1\nproject: demo\n{text}")
    findings = Findings(project.document)
    apply_budget(project.project, whole_catalog(), findings)
    memory, disk = findings.problems
    assert memory.hint == (
        "elasticsearch 512MiB, kibana 512MiB, logstash 512MiB, grafana 128MiB, alertmanager 32MiB,"
        " prometheus 32MiB, exporters and one-shots 384MiB; `stack.without` leaves parts out"
    )
    assert disk.message.startswith("2GiB of disk cannot hold the stack's data; they take at least")
    assert "elasticsearch 2048MiB, logstash 1408MiB, prometheus 1024MiB" in str(disk.hint)
    assert len(refused(tmp_path, text)) == 3


def test_heaps_and_bugsink_follow(tmp_path: Path) -> None:
    stack = stack_of(tmp_path, "memory: 6GiB")
    given = limits(stack)
    assert stack.logging is not None
    assert stack.logging.logstash_heap_mib == given["logstash"] // MIB // 2
    assert stack.logging.kibana_heap_mib == given["kibana"] // MIB * 6 // 10
    assert 256 * MIB <= given["bugsink"] < 512 * MIB


def test_a_stack_without_a_budget_has_the_usual_limits(tmp_path: Path) -> None:
    stack = resolved(tmp_path, WHOLE)
    assert stack.budget is None
    assert limits(stack)["prometheus"] == PrometheusSettings().memory.bytes
    assert not any("retention.size" in flag for flag in service(stack, "prometheus").command)


@pytest.mark.parametrize("size", ["20GiB", "40GiB", "55.5GB", "2TiB"])
@pytest.mark.parametrize("more", ["", ", without: [elk]", ", prometheus: { retention_size: 5GB }"])
def test_the_shares_of_the_disk_are_the_budget(tmp_path: Path, size: str, more: str) -> None:
    stack = stack_of(tmp_path, f"disk: {size}", more)
    assert stack.budget is not None
    shares, total = stack.budget.disk, parts_budget(size)
    if "elk" in more or "retention_size" not in more:
        assert total - MIB < sum(shares.values()) <= total
    (flag,) = [f for f in service(stack, "prometheus").command if "retention.size" in f]
    kept = int(flag.rpartition("=")[2].removesuffix("MB")) * MIB
    assert 0.79 * shares["prometheus"] < kept <= 0.8 * shares["prometheus"]
    assert shares.get("elasticsearch", 2**31) >= 2**31


def test_a_size_that_does_not_fit_is_no_retention(tmp_path: Path) -> None:
    text = "stack: { budget: { disk: 8GiB }, prometheus: { retention_size: 7GiB } }\n"
    (problem,) = refused(tmp_path, text)
    assert problem.startswith("3:26 8GiB of disk cannot hold")
    (problem,) = refused(tmp_path, "stack: { prometheus: { retention_size: 1MiB } }\n")
    assert problem == "3:40 `1MiB` is too little for Prometheus to keep"
    (problem,) = refused(tmp_path, "stack: { budget: {} }\n")
    assert "needs `memory`, `disk`, or both" in problem


def test_a_size_is_a_setting_of_its_own(tmp_path: Path) -> None:
    stack = resolved(tmp_path, "stack: { prometheus: { retention_size: 10GB } }\n")
    assert "--storage.tsdb.retention.size=9536MB" in service(stack, "prometheus").command


def test_a_budget_is_told_in_two_lines(tmp_path: Path) -> None:
    stack = stack_of(tmp_path, "memory: 1GiB, disk: 10GiB", ", without: [elk, grafana]", "")
    assert dict(told_budget(stack)) == {
        "memory": "prometheus 816MiB, alertmanager 208MiB",
        "disk": "prometheus 10116MiB, alertmanager 64MiB, container logs 60MiB",
    }
    assert list(told_budget(resolved(tmp_path))) == []


def test_logs_are_held_against_their_share() -> None:
    claim = Claim("signals", "elasticsearch", "its data fits")
    assert against_share(claim, 2.0**30, 2.0**31).code == ""
    over = against_share(claim, 3 * 2.0**30, 2.0**31)
    assert over.code == "logs-over-budget"
    assert over.evidence == "3 GiB of its 2 GiB of the disk's budget"


def test_shares_are_exact() -> None:
    assert in_proportion(10, {"a": 1, "b": 1, "c": 1}) == {"a": 4, "b": 3, "c": 3}
    assert in_proportion(10, {"a": 0}) == {"a": 0}
    assert split(100, {"alertmanager": 30}) == {"alertmanager": 30}
