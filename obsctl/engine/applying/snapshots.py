"""Copies of volumes, made before a change that their data has no way back from."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from obsctl.conventions import (
    COMPOSE_CONFIG_HASH,
    COMPOSE_ONEOFF,
    COMPOSE_PROJECT,
    COMPOSE_SERVICE,
    COMPOSE_VOLUME,
)
from obsctl.engine.applying.context import Context
from obsctl.engine.applying.readiness import last_words
from obsctl.engine.desired.model import DesiredService
from obsctl.engine.planning.observe import Container, inspect_container
from obsctl.errors import EngineError, ObsctlError, Problem

Json = Mapping[str, Any]

KEPT: Final = 2  # of each volume
LABEL_OF: Final = "dev.obsctl.snapshot-of"  # the volume that was copied
LABEL_IMAGE: Final = "dev.obsctl.snapshot-image"  # what had written it
LABEL_CONTAINER: Final = "dev.obsctl.snapshot-container"  # whose replacement it was made for
# On the container that copies: the snapshot that is worth nothing until it has ended well.
LABEL_SAVING: Final = "dev.obsctl.snapshot-saving"
_COPIER: Final = "_copying"
# What came since goes, hidden files as well; numbers, times and modes of the owners stay.
_COPY: Final = "rm -rf /to/* /to/.[!.]* /to/..?* && cp -a /from/. /to/ && sync"
_LOOK_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`container` is the id of the container that was replaced; `made` is in ISO 8601."""

    name: str
    volume: str
    image: str
    container: str
    made: str

    def __str__(self) -> str:
        return f"snapshot {self.name} of volume {self.volume}, written by {self.image}, {self.made}"


def snapshots(volumes: Iterable[Json], project: str) -> list[Snapshot]:
    """Those of the project among the Engine's volumes, the newest first."""
    found = []
    for volume in volumes:
        labels = volume.get("Labels") or {}
        if labels.get(COMPOSE_PROJECT) == project and LABEL_OF in labels:
            made = str(volume.get("CreatedAt", ""))
            image, container = labels.get(LABEL_IMAGE, ""), labels.get(LABEL_CONTAINER, "")
            found.append(Snapshot(volume["Name"], labels[LABEL_OF], image, container, made))
    return sorted(found, key=lambda one: (one.made, one.name), reverse=True)


def save(context: Context, service: DesiredService, old: Container, volume: str) -> None:
    """Copy a volume that nothing writes to any more; EngineError when it could not be copied."""
    name = f"{volume}_{datetime.now().astimezone():%Y%m%dT%H%M%S}"
    context.tell(service.name, f"saving volume {volume} as {name}")
    labels = {
        COMPOSE_PROJECT: _project(service),
        COMPOSE_VOLUME: name,
        LABEL_OF: volume,
        LABEL_IMAGE: old.image,
        LABEL_CONTAINER: old.id,
    }
    copier = _make_copier(context, service, old, {"from": volume, "to": name}, labels)
    try:
        _await_copy(context, copier, context.interrupt.check)
    except ObsctlError as error:
        context.engine.remove(copier, force=True)
        context.engine.remove_volume(name)
        if isinstance(error, EngineError):
            raise _not_saved(service, volume, error) from error
        raise
    context.engine.remove(copier, force=True)


def restore(context: Context, service: DesiredService, old: Container) -> None:
    """Give a container that is put back the data that it had; its snapshots have served then."""
    taken = snapshots(context.engine.volumes(), _project(service))
    for snapshot in (one for one in taken if one.container == old.id):
        context.tell(service.name, f"putting the data of volume {snapshot.volume} back")
        places = {"from": snapshot.name, "to": snapshot.volume}
        copier = _make_copier(context, service, old, places, {})
        _await_copy(context, copier, _nothing)
        context.engine.remove(copier, force=True)
        context.engine.remove_volume(snapshot.name)


def forget(context: Context, service: DesiredService, old: Container) -> None:
    """Drop what an earlier replacement of this container, which was cut off, had saved.

    The container may have written since: going back to that would lose data.
    """
    for snapshot in snapshots(context.engine.volumes(), _project(service)):
        if snapshot.container == old.id:
            context.engine.remove_volume(snapshot.name)


def drop_old(context: Context, service: DesiredService) -> None:
    """Keep the newest few snapshots of each of the service's volumes."""
    taken = snapshots(context.engine.volumes(), _project(service))
    for volume in service.volumes:
        for snapshot in [one for one in taken if one.volume == volume][KEPT:]:
            context.engine.remove_volume(snapshot.name)


def half_made(container: Container) -> str | None:
    """The snapshot that this container was making and had not finished."""
    is_whole = container.state == "exited" and container.exit_code == 0
    return None if is_whole else container.labels.get(LABEL_SAVING)


def _project(service: DesiredService) -> str:
    return str(service.body["Labels"][COMPOSE_PROJECT])


def _make_copier(
    context: Context, service: DesiredService, old: Container, places: Json, labels: Json
) -> str:
    """Start a container of the old image, which is here, that copies; returns its id.

    The Engine makes the volume along with it: there is no moment with one and not the other.
    """
    mounts = [
        _mount(places["from"], "/from", read_only=True, labels={}),
        _mount(places["to"], "/to", read_only=False, labels=labels),
    ]
    own = {
        COMPOSE_PROJECT: _project(service),
        COMPOSE_SERVICE: service.name,
        COMPOSE_ONEOFF: "False",
        COMPOSE_CONFIG_HASH: "",
        **({LABEL_SAVING: places["to"]} if labels else {}),
    }
    body = {
        "Image": old.image_id,
        "User": "0:0",
        "Entrypoint": ["/bin/sh", "-c"],
        "Cmd": [_COPY],
        "WorkingDir": "/",
        "Labels": own,
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": {
            "Mounts": mounts,
            "NetworkMode": "none",
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "CapAdd": ["CHOWN", "DAC_OVERRIDE", "FOWNER"],
            "SecurityOpt": ["no-new-privileges:true"],
        },
    }
    name = service.container + _COPIER
    context.engine.remove(name, force=True)
    made = context.engine.create_container(name, body)
    context.engine.start(made)
    return made


def _mount(volume: str, target: str, *, read_only: bool, labels: Json) -> dict[str, Any]:
    return {
        "Type": "volume",
        "Source": volume,
        "Target": target,
        "ReadOnly": read_only,
        "VolumeOptions": {"NoCopy": True, "Labels": dict(labels)},
    }


def _await_copy(context: Context, copier: str, check: Callable[[], None]) -> None:
    """Until the copy has ended well; EngineError with its words when it has not."""
    while True:
        check()
        seen = context.watch.count
        container = inspect_container(context.engine, copier)
        if container is None:
            raise EngineError(Problem("the container that copied was removed"))
        if container.state in {"exited", "dead"}:
            break
        context.watch.wait(seen, _LOOK_S)
    if container.exit_code:
        words = " ".join(last_words(context, container)) or f"exit code {container.exit_code}"
        raise EngineError(Problem(f"the copy of a volume failed: {words}"))


def _not_saved(service: DesiredService, volume: str, error: EngineError) -> EngineError:
    hint = f"save it by other means, then `obsctl up --accept-data-risk {service.name}`"
    message = f"volume `{volume}` could not be saved before the change: {error}"
    return EngineError(Problem(message, hint=hint))


def _nothing() -> None:
    """Data that are being put back are put back to the end."""
