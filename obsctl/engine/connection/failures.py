"""What the Engine and its transport can fail with, in plain words."""

import errno
import json
from collections.abc import Iterator
from typing import Final

from obsctl.errors import EngineError, Problem


class EngineRefusal(EngineError):  # noqa: N818 - the Engine refuses; some are expected
    """The Engine answered a request with an error; `status` is the HTTP status."""

    def __init__(self, doing: str, status: int, reason: str) -> None:
        super().__init__(Problem(f"cannot {doing}: {reason}", hint=_hint_for(reason)))
        self.status = status
        self.reason = reason


_HINTS = (
    ("port is already allocated", "free the port, or choose another in `stack`"),
    ("address already in use", "free the port, or choose another in `stack`"),
    ("Pool overlaps", "another network uses this address range; set a subnet for this network"),
    ("container-init binary not found", "install what `init` runs: Podman's package `catatonit`"),
    ("no space left on device", "free space on the Engine's disk, e.g. with `docker system prune`"),
)


_PUT_THERE: Final = "in DOCKER_CERT_PATH or the docker context"
# What a connection fails with that is there, by words of the one who told: what it means, and the
# next step. The first that fits counts, the last one fits all.
_ANSWERS: Final = (
    (
        "WRONG_VERSION_NUMBER",
        "it does not speak TLS",
        "unset DOCKER_TLS_VERIFY and DOCKER_CERT_PATH",
    ),
    (
        "ALERT_CERTIFICATE_EXPIRED",
        "it refuses our certificate, which has expired",
        f"put a new cert.pem and key.pem {_PUT_THERE}",
    ),
    (
        "ALERT_CERTIFICATE_REQUIRED",
        "it wants a certificate from us",
        f"put cert.pem and key.pem {_PUT_THERE}",
    ),
    (
        "_ALERT_",
        "it refuses our certificate, as its authority has not signed that",
        f"put a cert.pem and key.pem that it trusts {_PUT_THERE}",
    ),
    (
        "certificate has expired",
        "its certificate has expired",
        "renew the Engine's certificate and restart the Engine",
    ),
    (
        "certificate is not valid for",
        "its certificate is not for this name",
        "give the address as its certificate names it, or add this name to the certificate",
    ),
    (
        "CERTIFICATE_VERIFY_FAILED",
        "its certificate is not signed by the authority that we trust",
        f"put the authority that signed it into ca.pem {_PUT_THERE}",
    ),
    ("resolve", "", "check the host's name in DOCKER_HOST or in the docker context"),
    ("Name or service not known", "", "check the host's name in DOCKER_HOST or in the context"),
    ("", "", "check that a Docker Engine listens there: DOCKER_HOST, or the docker context"),
)


def _hint_for(reason: str) -> str | None:
    return next((hint for words, hint in _HINTS if words in reason), None)


def reason_of(body: bytes) -> str:
    """The Engine's own words out of an error answer."""
    try:
        return str(json.loads(body)["message"]).strip()
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace").strip() or "no reason given"


def too_old(address: str, found: str, needed: str) -> EngineError:
    """The Engine answers, but lacks what obsctl asks it for."""
    return EngineError(
        Problem(
            f"the Docker Engine at `{address}` is too old: it has {found}, obsctl needs {needed}",
            hint="update Docker to 19.03 or newer",
        )
    )


def no_engine(address: str, reason: str) -> EngineError:
    """Something answers at `address`, and it is not what was looked for."""
    words = " ".join(reason.split())
    hint = "set DOCKER_HOST to the Engine's own address, or choose a docker context"
    if "HTTP request to an HTTPS server" in words:
        hint = "it wants TLS: set DOCKER_TLS_VERIFY=1, and DOCKER_CERT_PATH to its certificates"
    return EngineError(
        Problem(f"what answers at `{address}` is no Docker Engine: {words[:200]}", hint=hint)
    )


def unreachable(
    error: BaseException, address: str, timeout_s: float, doing: str = ""
) -> EngineError:
    """Why no answer came from the Engine at `address`: each cause has its own message.

    `doing` is what it was asked for.
    """
    causes = tuple(_chain(error))
    asked = f"; asked to {doing}" if doing else ""
    if any(isinstance(cause, PermissionError) for cause in causes):
        return EngineError(
            Problem(
                f"no permission to use the Docker Engine at `{address}`{asked}",
                hint="add yourself to the group `docker` and log in again, or use rootless Docker",
            )
        )
    if any(_is_absent(cause) for cause in causes):
        return EngineError(
            Problem(
                f"the Docker Engine is not running at `{address}`{asked}",
                hint="start it, e.g. `systemctl start docker`; "
                "if it listens elsewhere, set DOCKER_HOST or choose a docker context",
            )
        )
    if any(isinstance(cause, TimeoutError) or "Timeout" in _name(cause) for cause in causes):
        return EngineError(
            Problem(
                f"the Docker Engine at `{address}` hangs: no answer within {timeout_s:g} s{asked}",
                hint="look at its log (`journalctl -u docker`) and restart it",
            )
        )
    words = " ".join(str(causes[-1]).split()) or _name(causes[-1])
    meaning, hint = next((means, hint) for text, means, hint in _ANSWERS if text in words)
    told = f"{meaning} ({words})" if meaning else words
    message = f"no usable answer from the Docker Engine at `{address}`: {told}{asked}"
    return EngineError(Problem(message, hint=hint))


def _is_absent(cause: BaseException) -> bool:
    if isinstance(cause, FileNotFoundError | ConnectionRefusedError):
        return True
    return isinstance(cause, OSError) and cause.errno in {errno.ENOENT, errno.ECONNREFUSED}


def _name(cause: BaseException) -> str:
    return type(cause).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and everything below it: causes, contexts and wrapped arguments."""
    seen: set[int] = set()
    queue: list[BaseException | None] = [error]
    while queue:
        current = queue.pop(0)
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        wrapped = [part for part in current.args if isinstance(part, BaseException)]
        queue += [current.__cause__, current.__context__, *wrapped]
