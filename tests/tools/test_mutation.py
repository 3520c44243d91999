"""A threshold half as high again is noticed by the rendered unit tests, for every alert."""

from pathlib import Path

import pytest

from obsctl.catalog.model import Catalog
from obsctl.project.load import LoadedProject
from tests.tools.mutation import constant_mutants, run, threshold_mutants, unchanged
from tests.tools.test_rules import promtool
from tests.unit.catalog_support import EVERY_KIND, loaded, whole_catalog

__all__ = ["promtool"]  # the fixture


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> LoadedProject:
    return loaded(tmp_path_factory.mktemp("mutation"), EVERY_KIND)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return whole_catalog()


def test_nothing_is_noticed_in_rules_as_they_are(
    project: LoadedProject,
    catalog: Catalog,
    promtool: str,
) -> None:
    outcomes = run(list(unchanged(project, catalog)), Path(promtool))
    assert [outcome.name for outcome in outcomes if outcome.killed] == []


def test_every_changed_threshold_is_noticed(
    project: LoadedProject,
    catalog: Catalog,
    promtool: str,
) -> None:
    outcomes = run(list(threshold_mutants(project, catalog)), Path(promtool))
    print(f"{len(outcomes)} changed thresholds")
    assert len(outcomes) > 100
    assert [outcome.name for outcome in outcomes if not outcome.killed] == []


def test_every_other_changed_number_is_noticed(
    project: LoadedProject,
    catalog: Catalog,
    promtool: str,
) -> None:
    outcomes = run(list(constant_mutants(project, catalog)), Path(promtool))
    print(f"{len(outcomes)} other changed numbers")
    assert [outcome.name for outcome in outcomes if not outcome.killed] == []
