"""What registries say, in plain words; and the progress of a pull, from the Engine's events."""

import pytest

from obsctl.engine.applying.pulling import Layers
from obsctl.engine.preflight.registry import (
    image_problems,
    is_passing,
    platform_reason,
    registry_of,
)


def problem(image: str, reason: str) -> str:
    (found,) = image_problems({image: reason})
    assert found.hint
    return found.message


@pytest.mark.parametrize(
    ("reason", "words", "passing"),
    [
        ("manifest for a:1 not found: manifest unknown", "is not in the registry `r:1`", False),
        ("name unknown: repository name not known to registry", "is not in the registry", False),
        ("pull access denied for a, may require 'docker login'", "no access to image", False),
        ("Get x: no basic auth credentials", "no access to image `r:1/a:1`", False),
        ("toomanyrequests: You have reached your limit", "gives out no more images", False),
        ("no matching manifest for linux/arm64/v8 in it", "is not made for this machine", False),
        ("http: server gave HTTP response to HTTPS client", "speaks plain HTTP", False),
        ("tls: failed to verify certificate: x509: unknown authority", "does not trust", False),
        ("dial tcp: lookup r: no such host", "its name does not resolve", False),
        ('Get "https://r/v2/": EOF', "cannot be reached", True),
        ("dial tcp 1.2.3.4:443: connect: connection refused", "cannot be reached", True),
        ("net/http: TLS handshake timeout", "cannot be reached", True),
        ("received unexpected HTTP status: 503 Service Unavailable", "cannot be reached", True),
        ("write /var: no space left on device", "there is no room", False),
        ("something {odd}", "cannot be pulled: something {odd}", True),
    ],
)
def test_each_refusal_has_its_words(reason: str, words: str, *, passing: bool) -> None:
    assert words in problem("r:1/a:1", reason)
    assert is_passing(reason) is passing


def test_a_registry_at_fault_is_told_once() -> None:
    reasons = {"quay.io/a:1": "EOF", "quay.io/b:1": "EOF", "c:1": "no such host"}
    messages = [one.message for one in image_problems(reasons)]
    assert len(messages) == 2
    assert messages[0].endswith("wanted from it: quay.io/a:1, quay.io/b:1")
    assert "`docker.io`" in messages[1]


def test_registries_are_told_from_paths() -> None:
    assert registry_of("grafana/grafana:1") == "docker.io"
    assert registry_of("localhost/a:1") == "localhost"
    assert registry_of("127.0.0.1:5000/a/b:1") == "127.0.0.1:5000"


def test_platforms() -> None:
    amd64 = {"os": "linux", "architecture": "amd64"}
    wanted = ("linux", "arm64")
    assert platform_reason([amd64, {"os": "unknown", "architecture": "unknown"}], wanted) == (
        "no matching manifest for linux/arm64, it is made for linux/amd64"
    )
    assert platform_reason([amd64, {"os": "linux", "architecture": "arm64"}], wanted) is None
    # What the registry does not tell is no reason.
    assert platform_reason([{"os": "", "architecture": ""}], wanted) is None
    assert platform_reason([], wanted) is None


def test_progress_over_layers() -> None:
    layers = Layers()
    assert (layers.total(), layers.details()) == ("pulling", ())
    mebibyte = 2**20
    for event in (
        {"status": "Pulling from a/b", "id": "1.0"},
        {"status": "Already exists", "id": "aa"},
        {"status": "Pulling fs layer", "id": "bb"},
        {"status": "Waiting", "id": "cc"},
    ):
        layers.note(event)
    assert (layers.total(), layers.details()) == ("pulling, 1 of 3 layers", ())
    half = {"current": 5 * mebibyte, "total": 10 * mebibyte}
    layers.note({"status": "Downloading", "id": "bb", "progressDetail": half})
    assert layers.total() == "pulling 5 MiB of 10 MiB, 1 of 3 layers"
    assert layers.details() == ("bb downloading 5 MiB of 10 MiB",)
    layers.note({"status": "Download complete", "id": "bb", "progressDetail": {}})
    extracting = {"current": 1, "total": 10 * mebibyte}
    layers.note({"status": "Extracting", "id": "bb", "progressDetail": extracting})
    assert layers.total() == "pulling 10 MiB of 10 MiB, 1 of 3 layers"
    assert layers.details() == ("bb extracting",)
    layers.note({"status": "Pull complete", "id": "bb"})
    assert (layers.total(), layers.details()) == ("pulling 10 MiB of 10 MiB, 2 of 3 layers", ())
    layers.note({"status": "Digest: sha256:12"})
