"""Durations, sizes and shares."""

import re

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from obsctl.project.quantities import Duration, Quantity, Share, Size


class Model(BaseModel):
    model_config = ConfigDict(strict=True)

    duration: Duration = Duration("15s")
    size: Size = Size("1GiB")
    share: Share = Share("5%")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("15s", 15), ("1h30m", 5400), ("500ms", 0.5), ("2w", 1_209_600), ("1y", 31_536_000),
     ("1d12h", 129_600), ("90m", 5400), ("1m30s", 90), ("1s1ms", 1.001), ("100y", 3_153_600_000)],
)  # fmt: skip
def test_a_duration_counts_seconds_and_keeps_its_spelling(text: str, seconds: float) -> None:
    assert Duration(text).seconds == seconds
    assert Duration(text) == text


@pytest.mark.parametrize(
    ("text", "size"),
    [("1B", 1), ("512MiB", 512 * 2**20), ("2GiB", 2**31), ("10GB", 10**10), ("1.5GiB", 3 * 2**29),
     ("0.5TiB", 2**39), ("1KB", 1000)],
)  # fmt: skip
def test_a_size_counts_bytes(text: str, size: int) -> None:
    assert Size(text).bytes == size


@pytest.mark.parametrize(
    ("text", "ratio"),
    [("5%", 0.05), ("99.9%", 0.999), ("100%", 1.0), ("0%", 0.0), ("99.99%", 0.9999), ("7%", 0.07)],
)
def test_a_share_is_an_exact_ratio(text: str, ratio: float) -> None:
    assert Share(text).ratio == ratio


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Duration, ""), (Duration, "15"), (Duration, "0s"), (Duration, "s"), (Duration, "1.5h"),
        (Duration, "30m1h"), (Duration, "-5s"), (Duration, "5 m"), (Duration, "5m\n"),
        (Duration, "\u0665m"), (Duration, "101y"), (Duration, "9" * 5000 + "s"), (Duration, "5M"),
        (Size, ""), (Size, "5"), (Size, "0GiB"), (Size, "01GiB"), (Size, "1gib"), (Size, "1B\n"),
        (Size, "0.1B"), (Size, "9999999TiB"), (Size, "9" * 5000 + "B"), (Size, "-1GiB"),
        (Share, "5"), (Share, "101%"), (Share, "-5%"), (Share, "100.1%"), (Share, "5 %"),
    ],
)  # fmt: skip
def test_anything_else_is_refused(kind: type[Quantity], text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        kind(text)


@pytest.mark.parametrize(
    ("values", "hint"),
    [
        ({"duration": 5}, "write the unit too: `5s` or `5m`"),
        ({"duration": "15 seconds"}, "write `15s`"),
        ({"duration": "2 Hours"}, "write `2h`"),
        ({"duration": True}, Duration.units),
        ({"duration": -1}, Duration.units),
        ({"size": "512m"}, "write `512MiB`"),
        ({"size": "2g"}, "write `2GiB`"),
        ({"size": 2}, "write the unit too: `2MiB` or `2GiB`"),
        ({"share": 5}, "write `5%`"),
        ({"share": 0.999}, "write `99.9%`"),
        ({"share": 150}, Share.units),
        ({"share": None}, Share.units),
    ],
)
def test_a_near_miss_gets_the_right_spelling(values: dict[str, object], hint: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Model.model_validate(values)
    (error,) = caught.value.errors()
    assert error["type"] == "expected"
    assert error["ctx"]["hint"] == hint


def test_values_keep_their_type_and_spelling_through_the_model() -> None:
    model = Model.model_validate({"duration": "1h30m"})
    assert isinstance(model.duration, Duration)
    assert model.model_dump(mode="json") == {"duration": "1h30m", "size": "1GiB", "share": "5%"}
    assert Model(duration=Duration("5m")).duration.seconds == 300


def test_the_json_schema_holds_the_pattern() -> None:
    properties = Model.model_json_schema()["properties"]
    for name, good, bad in (
        ("duration", "1h30m", "5"),
        ("size", "2GiB", "2"),
        ("share", "5%", "5"),
    ):
        pattern = properties[name]["pattern"]
        assert re.search(pattern, good)
        assert not re.search(pattern, bad)
