"""The projects that the benchmark renders and brings up."""

from collections.abc import Mapping


def running(
    name: str,
    images: Mapping[str, str],
    retention: str = "15d",
    threshold: str = "85%",
    redis: int = 1,
) -> str:
    """A metrics-only stack on ports of its own; everything in it runs from the kit's images.

    Each of the `redis` services has an exporter of its own.
    """
    listed = "\n".join(f"    {key}: {reference}" for key, reference in sorted(images.items()))
    caches = "\n".join(
        f"  redis{number or ''}: {{ kind: redis, address: 'localhost:{16379 + number}' }}"
        for number in range(redis)
    )
    return f"""\
version: 1
project: {name}
services:
  host: {{ kind: node }}
{caches}
probes: [ "http://localhost:18080/health" ]
alerts: {{ HighCPU: {{ warning: {threshold} }} }}
stack:
  without: [ elk ]
  prometheus: {{ port: 19090, retention: {retention} }}
  alertmanager: {{ port: 19093 }}
  grafana: {{ port: 13001 }}
  images:
{listed}
"""


def wide(services: int, targets_each: int) -> str:
    """Many apps with many targets: rendering must stay linear."""
    lines = ["version: 1", "project: wide", "services:"]
    for number in range(services):
        first = number * targets_each
        targets = ", ".join(
            f'"10.{port // 250}.{port % 250}.1:3000"' for port in range(first, first + targets_each)
        )
        lines.append(f"  app-{number}: {{ kind: express, targets: [{targets}] }}")
    return "\n".join([*lines, "stack: { without: [ elk ] }", ""])
