"""What stands between an image and the Engine, from a registry's words: cause and next step."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from obsctl.errors import Problem

DOCKER_HUB: Final = "docker.io"


@dataclass(frozen=True, slots=True)
class _Obstacle:
    """A kind of refusal by the words that tell it; texts may name {image}, {registry}, {reason}.

    `passing` ones may be gone on another try; those of the `registry` concern all its images.
    """

    words: tuple[str, ...]
    message: str
    hint: str
    passing: bool = False
    registry: bool = False


_OTHER: Final = _Obstacle(
    (),
    "image `{image}` cannot be pulled: {reason}",
    "check its name and tag under `stack.images`",
    passing=True,
)
# The first that fits counts.
_OBSTACLES: Final = (
    _Obstacle(
        ("toomanyrequests", "429 Too Many Requests"),
        "the registry `{registry}` gives out no more images for now: {reason}",
        "wait, log in with `docker login {registry}`, or set a mirror: `stack.images.registry`",
        registry=True,
    ),
    _Obstacle(
        ("unauthorized", "denied", "no basic auth credentials", "authentication required"),
        "no access to image `{image}`: {reason}",
        "log in with `docker login {registry}`, or check the image's name under `stack.images`",
    ),
    _Obstacle(
        ("manifest unknown", "name unknown", "not known to registry", "not found"),
        "image `{image}` is not in the registry `{registry}`",
        "check its name and tag under `stack.images`",
    ),
    _Obstacle(
        ("no matching manifest", "does not match the specified platform"),
        "image `{image}` is not made for this machine: {reason}",
        "choose a tag that is, under `stack.images`",
    ),
    _Obstacle(
        ("no space left on device",),
        "there is no room for image `{image}`: {reason}",
        "free space on the Engine's disk, e.g. with `docker system prune`",
    ),
    _Obstacle(
        ("server gave HTTP response to HTTPS client",),
        "the registry `{registry}` speaks plain HTTP, and the Engine wants HTTPS",
        "give it a certificate, or list it under `insecure-registries` of the Engine's daemon.json",
        registry=True,
    ),
    _Obstacle(
        ("x509:", "certificate"),
        "the Engine does not trust the registry `{registry}`: {reason}",
        "put its authority's certificate into /etc/docker/certs.d/{registry}/ca.crt",
        registry=True,
    ),
    _Obstacle(
        ("no such host",),
        "the registry `{registry}` cannot be reached, its name does not resolve: {reason}",
        "check the network's DNS, or set a mirror with `stack.images.registry`",
        registry=True,
    ),
    _Obstacle(
        ("EOF", "connection re", "imeout", "deadline exceeded", "unreachable", "no route to host",
         "broken pipe", "server misbehaving", "HTTP status: 5", "use of closed network"),
        "the registry `{registry}` cannot be reached: {reason}",
        "check the network and run it again, or set a mirror with `stack.images.registry`",
        passing=True,
        registry=True,
    ),
)  # fmt: skip


def registry_of(reference: str) -> str:
    """The registry's host and port, as `docker login` takes it."""
    first, slash, _ = reference.partition("/")
    return first if slash and ("." in first or ":" in first or first == "localhost") else DOCKER_HUB


def is_passing(reason: str) -> bool:
    """Whether trying again may help."""
    return _obstacle(reason).passing


def image_problems(reasons: Mapping[str, str]) -> list[Problem]:
    """Why images (reference -> the registry's words) cannot be had; once per registry at fault."""
    alike: dict[tuple[_Obstacle, str], list[str]] = {}
    for image, reason in reasons.items():
        obstacle = _obstacle(reason)
        alike.setdefault((obstacle, registry_of(image) if obstacle.registry else image), []).append(
            image
        )
    return [_problem(obstacle, images, reasons) for (obstacle, _), images in alike.items()]


def platform_reason(platforms: Iterable[Mapping[str, Any]], wanted: tuple[str, str]) -> str | None:
    """What `no matching manifest` would say; `wanted` is (os, architecture)."""
    offered = {(str(one.get("os")), str(one.get("architecture"))) for one in platforms}
    named = sorted("/".join(one) for one in offered if "unknown" not in one and all(one))
    if not named or wanted in offered:
        return None
    return f"no matching manifest for {'/'.join(wanted)}, it is made for {', '.join(named)}"


def _obstacle(reason: str) -> _Obstacle:
    fits = (one for one in _OBSTACLES if any(words in reason for words in one.words))
    return next(fits, _OTHER)


def _problem(obstacle: _Obstacle, images: list[str], reasons: Mapping[str, str]) -> Problem:
    values = {
        "image": images[0],
        "registry": registry_of(images[0]),
        "reason": reasons[images[0]],
    }
    # The reason may hold braces of its own: it is filled in, not filled.
    message = obstacle.message.format(**values)
    if obstacle.registry:
        message += f"; wanted from it: {', '.join(images)}"
    return Problem(message, hint=obstacle.hint.format(**values))
