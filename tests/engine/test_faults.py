"""Whatever happens to an `up` that changes services, one more `up` ends where it should."""

from pathlib import Path

from tests.engine.breaking import KINDS, Breaker, assert_recovers, assert_told, count_calls
from tests.engine.small_stack import Project, eventually
from tests.engine.sweep import SWEEP, Record, Sweeps, points
from tests.engine.test_up import assert_up_is_quiet, ids, up

_SIZES = {268435456: "small", 536870912: "large"}


def change(project: Project) -> None:
    """Another definition of three of the four services, and the first one again the next time."""
    for service in ("redis", "prometheus", "alertmanager"):
        definition = project.document["services"][service]
        (memory,) = _SIZES.keys() - {definition["mem_limit"]}
        definition |= {"mem_limit": memory, "memswap_limit": memory}
        definition["labels"]["dev.obsctl.spec-hash"] = _SIZES[memory]
    project.save()


def test_an_up_that_changes_three_services(
    running: Project, short_path: Path, record_property: Record
) -> None:
    running.docker("exec", f"{running.name}-redis-1", "redis-cli", "set", "kept", "bytes")
    change(running)
    figures = Sweeps("three services changed", calls := count_calls(running, short_path))
    wanted = [running.shape()]
    change(running)
    up(running)
    wanted.append(running.shape())
    for number, kind in points(calls, KINDS, some=6):
        change(running)
        wanted.reverse()
        breaker = Breaker(running, kind, number)
        broken = breaker.up(short_path)
        with figures.of(kind.name).point((number, breaker.met)):
            assert_told(broken, breaker)
            assert_recovers(running, broken, breaker, wanted[1], short_path)
            assert_converged(running)
    record_property(SWEEP, str(figures))
    assert not figures.failures, "\n".join(figures.failures)
    assert running.docker("exec", f"{running.name}-redis-1", "redis-cli", "get", "kept") == "bytes"


def assert_converged(project: Project) -> None:
    containers = project.containers()
    services = project.document["services"]
    assert set(containers) == {f"{project.name}-{name}-1" for name in services}
    for name, definition in services.items():
        found = containers[f"{project.name}-{name}-1"]
        key = "dev.obsctl.spec-hash"
        assert found["Config"]["Labels"][key] == definition["labels"][key]
        assert found["State"]["Status"] == ("exited" if name == "setup" else "running")
        assert found["HostConfig"]["Memory"] == definition["mem_limit"]


def test_names_alone_are_enough_after_any_mixture(running: Project, short_path: Path) -> None:
    """Leftovers as a crash, an operator or docker compose may leave them."""
    up(running)
    main = f"{running.name}-prometheus-1"
    running.docker("rename", main, f"{main}_previous")
    running.docker("stop", f"{main}_previous")
    up(running)
    assert_converged(running)
    before = ids(running)
    running.docker("rename", main, f"0123456789ab_{main}")
    up(running)
    assert_converged(running)
    assert ids(running)[main] != before[main]
    eventually(lambda: running.get("prometheus", "/api/v1/targets")["status"] == "success")
    assert_up_is_quiet(running, short_path)
