"""A project and its catalogue from text, as the tests of rules and dashboards need them."""

from pathlib import Path

from obsctl.catalog.files import built_in_names
from obsctl.catalog.load import load_catalog
from obsctl.catalog.model import Catalog
from obsctl.errors import ProjectFileError
from obsctl.project.findings import Findings
from obsctl.project.load import LoadedProject, load_project
from obsctl.stack.rules import Rules, build_rules

EVERY_KIND = """\
version: 1
project: widest
services:
  backend: { kind: express, targets: [localhost:3000], settings: {
    transactions_metric: app_transactions_total, active_users_metric: app_active_users,
    revenue_metric: app_revenue_total, cache_requests_metric: app_cache_requests_total } }
  web: { kind: http, targets: [localhost:3001] }
  fast: { kind: fastapi, targets: [localhost:8000] }
  java: { kind: spring, targets: [localhost:8080] }
  goapp: { kind: go, targets: [localhost:8081] }
  mongodb: { kind: mongodb, address: localhost:27017 }
  cache: { kind: redis, address: localhost:6379 }
  pg: { kind: postgres, address: localhost:5432 }
  maria: { kind: mysql, address: localhost:3306 }
  proxy: { kind: nginx, address: localhost:8082 }
  rabbit: { kind: rabbitmq, targets: [localhost:15692] }
  broker: { kind: kafka, address: localhost:9092 }
  search: { kind: elasticsearch, address: localhost:9201 }
  shipper: { kind: logstash, address: localhost:9601 }
  machine: { kind: node }
  boxes: { kind: docker }
probes: [ https://erp.example.com/health ]
errors: { bugsink: {} }
slo:
  backend: { availability: 99.9%, latency: { under: 2s, ratio: 95% } }
"""
SMALL = """\
version: 1
project: shop
services:
  api: { kind: express, targets: [localhost:3000] }
"""


def loaded(directory: Path, text: str) -> LoadedProject:
    path = directory / "obsctl.yaml"
    path.write_text(text, encoding="utf-8")
    return load_project(path)


def whole_catalog() -> Catalog:
    return load_catalog(sorted(built_in_names()))


def rules_of(directory: Path, text: str) -> Rules:
    """The rules of a project file that has no problems."""
    project = loaded(directory, text)
    findings = Findings(project.document)
    rules = build_rules(project.project, whole_catalog(), findings)
    findings.raise_any()
    return rules


def problems_of(directory: Path, text: str) -> list[str]:
    """`line:column: message` of every problem of the rules."""
    project = loaded(directory, text)
    findings = Findings(project.document)
    build_rules(project.project, whole_catalog(), findings)
    return told(ProjectFileError(*findings.problems))


def told(error: ProjectFileError) -> list[str]:
    lines = []
    for problem in error.problems:
        place = problem.location
        where = f"{place.line}:{place.column}: " if place else ""
        lines.append(where + problem.message)
    return lines
