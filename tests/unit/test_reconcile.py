"""Every decision of the engine, as the plan says it; no Engine, no mock."""

from dataclasses import replace
from pathlib import Path

import pytest

from obsctl.engine.desired.hot_files import HotFiles
from obsctl.engine.desired.model import COMPLETED, HEALTHY, Dependency, Desired
from obsctl.engine.desired.mounts import Source
from obsctl.engine.planning.observe import Container, Observed
from obsctl.engine.planning.plan import Plan
from obsctl.engine.planning.reconcile import reconcile
from obsctl.engine.run.state import Loaded, State
from tests.unit.engine_samples import NETWORK, container, desired, observed, service

NOTHING = State()


def lines(wanted: Desired, seen: Observed, state: State = NOTHING) -> list[str]:
    """`action resource: cause` of each operation, in order."""
    return [str(operation) for operation in reconcile(wanted, seen, state).operations]


def one(*containers: Container) -> list[str]:
    wanted = desired(service("a"))
    return lines(wanted, observed(wanted, *containers))


def test_a_fresh_project() -> None:
    wanted = desired(
        service("web", Dependency("setup", COMPLETED)),
        service("setup", Dependency("db", HEALTHY), one_shot=True),
        service("db"),
    )
    seen = observed(wanted, without=(NETWORK, "erp_db", "erp_web", "web:1"))
    plan = reconcile(wanted, seen, NOTHING)
    assert (
        str(plan)
        == """\
create network erp_net  it does not exist
create volume erp_web   it does not exist
create volume erp_db    it does not exist
pull web:1              the Engine does not have it
create db               it does not exist
create setup            it does not exist; after db
create web              it does not exist; after setup
"""
    )
    assert {one.key: one.needs for one in plan.operations if one.needs} == {
        "create db": ("create network erp_net", "create volume erp_db"),
        "start db": ("create db",),
        "wait for db": ("start db",),
        "create setup": ("create network erp_net",),
        "start setup": ("create setup", "wait for db"),
        "wait for setup": ("start setup",),
        "create web": ("create network erp_net", "create volume erp_web", "pull web:1"),
        "start web": ("create web", "wait for setup"),
        "wait for web": ("start web",),
    }


def test_what_is_not_required_is_not_waited_for() -> None:
    late = Dependency("setup", COMPLETED, required=False)
    wanted = desired(service("web", late), service("setup", one_shot=True))
    plan = reconcile(wanted, observed(wanted), NOTHING)
    (start,) = (one for one in plan.operations if one.key == "start web")
    assert start.needs == ("create web",)


def test_in_sync_is_nothing_to_do() -> None:
    wanted = desired(service("a"), service("b", one_shot=True))
    seen = observed(wanted, container("a", health="healthy"), container("b", "exited"))
    plan = reconcile(wanted, seen, NOTHING)
    assert plan == Plan()
    assert str(plan) == "nothing to do: what runs is what the project file asks for\n"


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (container("a", "exited", exit_code=137), "start a: exited with code 137"),
        (
            container("a", "exited", exit_code=137, oom_killed=True),
            "start a: killed for lack of memory (its limit is none)",
        ),
        (container("a", "created"), "start a: it was never started"),
        (container("a", "paused"), "resume a: it is paused"),
        (container("a", health="unhealthy"), "restart a: it is unhealthy"),
        (
            container("a", "restarting", exit_code=2, restarts=9),
            "restart a: crash-looping: exit code 2, 9 restarts",
        ),
    ],
)
def test_a_wrong_state_is_mended_in_place(found: Container, wanted: str) -> None:
    assert one(found) == [wanted, "wait for a: until it is ready"]


@pytest.mark.parametrize(
    ("found", "cause"),
    [
        (container("a", spec_hash="b"), "its configuration changed"),
        (container("a", spec_hash="b", image="a:0"), "image a:0 -> a:1"),
        # As Podman spells the names of an image that no registry is named for.
        (container("a", spec_hash="b", image="localhost/a:1"), "its configuration changed"),
        (container("a", spec_hash="b", image="docker.io/library/a:1"), "its configuration changed"),
        (container("a", image_id="sha256:old"), "image a:1 is another one now"),
        (container("a", networks=("bridge",)), "not attached to network erp_net"),
        (container("a", directory="/old/stack"), "the project moved here from /old/stack"),
        (container("a", "dead"), "the Engine could not remove it (dead)"),
    ],
)
def test_drift_is_replaced(found: Container, cause: str) -> None:
    assert one(found) == [f"replace a: {cause}"]


def test_the_cause_names_what_changed_and_no_values_of_the_environment() -> None:
    body = {
        "Cmd": ["--kept", "--new", "--limit=2", "--token=abc"],
        "Entrypoint": ["sh", "-c", "new"],
        "Env": ["PASSWORD=new"],
        "Labels": {"team": "shop", "com.docker.compose.config-hash": "b"},
        "HostConfig": {
            "Memory": 2**30,
            "NanoCpus": 2 * 10**9,
            "PortBindings": {"9090/tcp": [{"HostIp": "127.0.0.1", "HostPort": "9091"}]},
        },
    }
    wanted = desired(replace(service("a"), body=body))
    inspected = {
        "Config": {
            "Cmd": ["--kept", "--limit=1", "--token=def"],
            "Entrypoint": ["sh", "-c", "old"],
            "Env": ["PASSWORD=old"],
            "Labels": {"team": "erp", "of-the-image": "x", "com.docker.compose.config-hash": "a"},
        },
        "HostConfig": {"Memory": 512 * 2**20, "NanoCpus": 2 * 10**9},
    }
    seen = observed(wanted, container("a", spec_hash="b", inspected=inspected))
    (line,) = lines(wanted, seen)
    assert line.removeprefix("replace a: ").split(", ") == [
        "command changed (--limit --token --new)",
        "entrypoint changed",
        "memory limit 512 MiB -> 1 GiB",
        "published ports none -> 127.0.0.1:9091",
        "environment PASSWORD changed",
        "label team changed",
    ]


@pytest.mark.parametrize(
    ("inode", "changed_at", "known", "stale"),
    [
        (7, 2000, Loaded("id-a", {}, mounts={"/srv/erp/stack/a": 5}), True),
        (0, 0, Loaded("id-a", {}, mounts={"/srv/erp/stack/a": 5}), True),  # about to be written
        (5, 2000, Loaded("id-a", {}, mounts={"/srv/erp/stack/a": 5}), False),
        # It began with that one, or nobody knows.
        (7, 500, Loaded("id-a", {}, mounts={"/srv/erp/stack/a": 5}), False),
        (7, 2000, Loaded("id-other", {}, mounts={"/srv/erp/stack/a": 5}), False),
        (7, 2000, Loaded("id-a", {}), False),
    ],
)
def test_a_directory_that_was_replaced(
    inode: int, changed_at: float, known: Loaded, *, stale: bool
) -> None:
    source = Source(Path("/srv/erp/stack/a"), None, changed_at, inode)
    wanted = desired(replace(service("a"), sources=(source,)))
    told = "replace a: stack/a is another directory now than the one that it mounts"
    seen = observed(wanted, container("a"))
    assert lines(wanted, seen, State({"a": known})) == ([told] if stale else [])


def test_an_image_that_is_only_gone_from_the_engine_is_left_alone() -> None:
    wanted = desired(service("a"))
    assert lines(wanted, observed(wanted, container("a"), without=("a:1",))) == []


def test_starting_is_waited_for_and_is_no_change() -> None:
    wanted = desired(service("a"))
    seen = observed(wanted, container("a", health="starting"))
    plan = reconcile(wanted, seen, NOTHING)
    assert [str(operation) for operation in plan.operations] == ["wait for a: until it is ready"]
    assert plan.changes == ()
    known = State({"a": Loaded("id-a", {})})
    assert reconcile(wanted, seen, known) == Plan()


@pytest.mark.parametrize(
    ("state", "code", "expected"),
    [
        ("exited", 0, []),
        ("exited", 1, ["start a: exited with code 1", "wait for a: until it has completed"]),
        ("running", 0, ["wait for a: until it has completed"]),
    ],
)
def test_one_shots(state: str, code: int, expected: list[str]) -> None:
    wanted = desired(service("a", one_shot=True))
    assert lines(wanted, observed(wanted, container("a", state, exit_code=code))) == expected


def test_a_set_up_runs_again_for_an_empty_volume() -> None:
    wanted = desired(service("setup", Dependency("db", HEALTHY), one_shot=True), service("db"))
    seen = observed(wanted, container("setup", "exited"), without=("erp_db",))
    plan = reconcile(wanted, seen, NOTHING)
    found = {operation.key: operation for operation in plan.operations}
    assert found["replace setup"].cause == "db starts with an empty volume"
    assert found["replace setup"].needs == ("wait for db",)


def hot(changed_at: float = 0, **digests: str) -> HotFiles:
    return HotFiles(digests, changed_at)


@pytest.mark.parametrize(
    ("loaded", "expected"),
    [
        (Loaded("id-a", {"x": "1", "y": "1"}), []),
        (Loaded("id-a", {"x": "0", "z": "1"}), ["reload a: x, y, z changed"]),
        (Loaded("another", {"x": "0"}), []),
        (None, []),
    ],
)
def test_reload_of_what_changed_since_it_was_loaded(
    loaded: Loaded | None, expected: list[str]
) -> None:
    wanted = desired(service("a", hot=hot(x="1", y="1")))
    state = State({"a": loaded} if loaded else {})
    assert lines(wanted, observed(wanted, container("a")), state) == expected


def test_reload_when_files_are_newer_than_a_container_of_unknown_history() -> None:
    wanted = desired(service("a", hot=hot(2000, x="1")))
    assert lines(wanted, observed(wanted, container("a"))) == ["reload a: x changed"]


def test_orphans_and_second_containers_go_and_hold_up_who_needs_their_port() -> None:
    wanted = desired(service("a", port=9090), service("b"))
    port = wanted.services["a"].ports
    orphan = replace(container("old"), ports=port)
    second = replace(container("b"), id="x", name="erp-b-2")
    plan = reconcile(wanted, observed(wanted, orphan, second, container("b")), NOTHING)
    found = {operation.key: operation for operation in plan.operations}
    cause = "its service is not in the compose file any more"
    assert found["remove erp-old-1"].cause == cause
    assert found["remove erp-b-2"].cause == "a second container of the service"
    assert "remove erp-old-1" in found["start a"].needs


NEW, OLD = "a", "old"


@pytest.mark.parametrize(
    ("containers", "expected"),
    [
        # killed after the new one was made
        (
            [container("a", spec_hash=OLD), container("a", "created", suffix="_next")],
            [
                "remove erp-a-1_next: left by an interrupted replacement",
                "replace a: its configuration changed",
            ],
        ),
        # killed after the old one was renamed
        (
            [
                container("a", "exited", suffix="_previous", spec_hash=OLD),
                container("a", "created", suffix="_next"),
            ],
            [
                "remove erp-a-1_next: left by an interrupted replacement",
                "replace a: its configuration changed",
            ],
        ),
        # killed after the new one was renamed, or started
        (
            [
                container("a", "created"),
                container("a", "exited", suffix="_previous", spec_hash=OLD),
            ],
            ["replace a: finish the interrupted replacement"],
        ),
        # the project file was changed back meanwhile
        (
            [container("a", spec_hash="b"), container("a", "exited", suffix="_previous")],
            [
                "remove erp-a-1: left by an interrupted replacement",
                "restore a: put back after an interrupted replacement",
                "wait for a: until it is ready",
            ],
        ),
        # killed while it was undone
        (
            [container("a", "exited", suffix="_previous")],
            [
                "restore a: put back after an interrupted replacement",
                "wait for a: until it is ready",
            ],
        ),
    ],
)
def test_recovery_from_names_alone(containers: list[Container], expected: list[str]) -> None:
    assert one(*containers) == expected


def test_no_operation_needs_what_is_not_in_the_plan_or_stands_after_it() -> None:
    wanted = desired(
        service("a", Dependency("b", HEALTHY), port=1),
        service("b", Dependency("c"), spec_hash="new"),
        service("c", Dependency("d", COMPLETED)),
        service("d", one_shot=True),
    )
    seen = observed(wanted, container("b"), container("c", "exited", exit_code=1))
    done: set[str] = set()
    for operation in reconcile(wanted, seen, NOTHING).operations:
        assert done.issuperset(operation.needs)
        done.add(operation.key)


def with_secret(name: str, changed_at: float, *, one_shot: bool = False) -> Desired:
    secret = Source(Path("/srv/erp/secrets") / name, name, changed_at)
    return desired(replace(service("a", one_shot=one_shot), sources=(secret,)))


def test_a_changed_secret_restarts_who_has_it() -> None:
    wanted = with_secret("token", 2000.0)
    assert lines(wanted, observed(wanted, container("a"))) == [
        "restart a: secret token changed", "wait for a: until it is ready",
    ]  # fmt: skip
    assert lines(wanted, observed(wanted, container("a", started_at=3000.0))) == []


def test_a_changed_secret_runs_a_set_up_again() -> None:
    wanted = with_secret("token", 2000.0, one_shot=True)
    assert lines(wanted, observed(wanted, container("a", "exited"))) == [
        "start a: secret token changed", "wait for a: until it has completed",
    ]  # fmt: skip


def test_an_account_that_the_component_keeps_is_no_reason_to_restart_it() -> None:
    wanted = with_secret("elastic_password", 2000.0)
    assert lines(wanted, observed(wanted, container("a"))) == []
