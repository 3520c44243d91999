"""Where nothing of the stack is up, `check` says that once."""

from dataclasses import replace
from pathlib import Path

from obsctl.health.asking.context import Context
from obsctl.health.checks.containers import containers_run
from obsctl.health.session import context_of
from tests.engine.health_lab import bare_stack

FILES = {"docker-compose.yml": "services: { grafana: {}, prometheus: {} }"}


def nothing_up(folder: Path) -> Context:
    found = context_of(bare_stack("shop"), (), folder)
    return replace(found, files=FILES, containers=tuple)


def test_one_failure_stands_for_all_services(tmp_path: Path) -> None:
    (finding,) = containers_run(nothing_up(tmp_path))
    assert finding.code == "stack-down"
    assert finding.evidence == "the Engine has no container of the project `shop`"


def test_with_components_elsewhere_each_missing_container_is_told(tmp_path: Path) -> None:
    context = replace(nothing_up(tmp_path), targets={"prometheus": "http://prometheus.example"})
    assert [one.code for one in containers_run(context)] == ["container-missing"] * 2
