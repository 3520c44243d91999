"""Each service of the compose file has a container that does what it should."""

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from obsctl.conventions import LABEL_SPEC_HASH
from obsctl.errors import EngineError
from obsctl.health.asking.container_state import ContainerState
from obsctl.health.asking.context import Context
from obsctl.health.findings.claim import Claim
from obsctl.health.findings.report import Finding, Layer

_RECENT_S: Final = 3600
_KILLED: Final = 137
_CODES: Final = {
    "created": "container-created",
    "paused": "container-paused",
    "restarting": "container-restarting",
}


def containers_run(context: Context) -> Iterator[Finding]:
    """Running, healthy, not killed for memory; one-shots completed; made from this file.

    Where there is no container at all, that is one failure.
    """
    try:
        found = {container.service: container for container in context.container_states()}
    except EngineError as error:
        claim = context.claim("containers", "Docker Engine", "can be asked")
        problem = error.problems[0]
        yield claim.fail("engine-unreachable", problem.message, hint=problem.hint or "start it")
        return
    if not found and not context.targets:
        yield nothing_is_up(context, "containers")
        return
    for name, service in context.services.items():
        claim = context.claim("containers", name, _claim_text(service))
        container = found.get(name)
        if container is None:
            yield claim.fail("container-missing", f"no container of service `{name}`")
            continue
        yield _state(claim, service, container)
        yield _same_definition(context, container)


def nothing_is_up(context: Context, layer: Layer) -> Finding:
    """One failure in place of one for each service."""
    told = f"the Engine has no container of the project `{context.stack.project}`"
    return context.claim(layer, "the stack", "is up").fail("stack-down", told)


def _claim_text(service: Mapping[str, Any]) -> str:
    return "has completed" if _is_one_shot(service) else "runs and is healthy"


def _is_one_shot(service: Mapping[str, Any]) -> bool:
    return service.get("restart") == "no"


def _state(claim: Claim, service: Mapping[str, Any], container: ContainerState) -> Finding:
    if container.status == "running":
        return _running(claim, service, container)
    if container.status in _CODES:
        evidence = f"{container.status}, {container.restarts} restarts"
        return claim.fail(_CODES[container.status], _with_log(evidence, container))
    return _ended(claim, service, container)


def _running(claim: Claim, service: Mapping[str, Any], container: ContainerState) -> Finding:
    if _is_one_shot(service):
        return claim.fail("setup-running", _with_log("still running", container))
    if container.health == "unhealthy":
        evidence = f"unhealthy: {container.health_output or 'no output'}"
        return claim.fail("container-unhealthy", _with_log(evidence, container))
    if container.health == "starting":
        # Whether it does its work is asked of itself; Docker asks at its own pace.
        return claim.skip("running; its health check has not passed yet")
    up_s = time.time() - container.started_at
    if container.restarts and up_s < _RECENT_S:
        evidence = f"restarted {container.restarts} times, running for {up_s:.0f} s"
        return claim.warn("container-restarted", evidence)
    return claim.ok(container.health or "running")


def _ended(claim: Claim, service: Mapping[str, Any], container: ContainerState) -> Finding:
    code = container.exit_code
    if _is_one_shot(service) and code == 0:
        return claim.ok("exit code 0")
    evidence = _with_log(f"{container.status}, exit code {code}", container)
    if container.oom_killed:
        limit = service.get("mem_limit", "none")
        return claim.fail("container-out-of-memory", evidence, limit=limit)
    if _is_one_shot(service):
        return claim.fail("setup-failed", evidence, exit_code=code)
    meaning = " (killed from outside)" if code == _KILLED else ""
    return claim.fail("container-exited", evidence, exit_code=f"{code}{meaning}")


def _with_log(evidence: str, container: ContainerState) -> str:
    return f"{evidence}\n{container.last_lines}" if container.last_lines else evidence


def _same_definition(context: Context, container: ContainerState) -> Finding:
    claim = context.claim(
        "configuration", container.service, "its container is made from the rendered definition"
    )
    labels = context.written(container.service).get("labels") or {}
    wanted = str(labels.get(LABEL_SPEC_HASH, ""))
    actual = container.labels.get(LABEL_SPEC_HASH, "")
    if wanted == actual:
        return claim.ok(f"spec {wanted[:12]}")
    return claim.fail("container-outdated", f"spec in stack/ {wanted[:12]}, running {actual[:12]}")
