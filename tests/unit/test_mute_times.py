"""Mute times become Alertmanager's intervals; the Watchdog is never muted."""

from pathlib import Path
from typing import Any

import pytest

from obsctl.project.plain_yaml import load_plain
from tests.unit.stacks import rendered

NOTIFICATIONS = """\
notifications:
  receivers: { ops: { webhook: { url: "https://hooks.example.com" } } }
  routes: { critical: [ops], warning: [ops], watchdog: [ops] }
  mute_times:
"""


def alertmanager(directory: Path, mute_times: str) -> Any:  # noqa: ANN401 - YAML
    files = rendered(directory, f"{NOTIFICATIONS}    {mute_times}\n")
    return load_plain(files["alertmanager/alertmanager.yml"])


@pytest.mark.parametrize(
    ("mute", "intervals"),
    [
        pytest.param(
            "{ from: 12:00, to: 13:30 }",
            [{"times": [{"start_time": "12:00", "end_time": "13:30"}]}],
            id="within a day",
        ),
        pytest.param(
            "{ days: [sunday], from: 22:00, to: 06:00, timezone: Europe/Berlin }",
            [
                {
                    "times": [{"start_time": "22:00", "end_time": "24:00"}],
                    "weekdays": ["sunday"],
                    "location": "Europe/Berlin",
                },
                {
                    "times": [{"start_time": "00:00", "end_time": "06:00"}],
                    "weekdays": ["monday"],
                    "location": "Europe/Berlin",
                },
            ],
            id="over midnight: the second half is the next day's",
        ),
        pytest.param(
            "{ from: 22:00, to: 00:00 }",
            [{"times": [{"start_time": "22:00", "end_time": "24:00"}]}],
            id="until midnight",
        ),
        pytest.param(
            "{ days: [saturday, sunday] }", [{"weekdays": ["saturday", "sunday"]}], id="whole days"
        ),
    ],
)
def test_intervals(tmp_path: Path, mute: str, intervals: list[object]) -> None:
    file = alertmanager(tmp_path, f"quiet: {mute}")
    assert file["time_intervals"] == [{"name": "quiet", "time_intervals": intervals}]


def test_a_route_names_the_times_of_its_severity(tmp_path: Path) -> None:
    mute = "{ severities: [critical, warning], days: [sunday] }"
    routes = alertmanager(tmp_path, f"quiet: {mute}")["route"]["routes"]
    muted = {route["matchers"][0]: route.get("mute_time_intervals") for route in routes}
    assert muted == {
        'obsctl_sink != ""': None,
        'alertname = "Watchdog"': None,
        'severity = "critical"': ["quiet"],
        'severity = "warning"': ["quiet"],
        'severity = "info"': None,
    }
