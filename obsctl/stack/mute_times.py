"""Mute times in Alertmanager's words: intervals that know no midnight."""

from collections.abc import Iterator

from obsctl.project.mute_times import DAYS, MIDNIGHT, MuteTime
from obsctl.project.schema import Project

TimeInterval = dict[str, object]


def time_intervals(project: Project) -> tuple[TimeInterval, ...]:
    """The `time_intervals` of alertmanager.yml."""
    return tuple(
        {"name": name, "time_intervals": list(_intervals(mute))}
        for name, mute in project.notifications.mute_times.items()
    )


def muted_by(project: Project, severity: str) -> tuple[str, ...]:
    """Names of the mute times that hold back a severity."""
    times = project.notifications.mute_times
    return tuple(name for name, mute in times.items() if severity in mute.severities)


def _intervals(mute: MuteTime) -> Iterator[TimeInterval]:
    """One, or two where the night goes on after midnight: that half is the next day's."""
    if mute.from_ is None or mute.to is None:
        yield _interval(mute, mute.days)
    elif mute.from_ < mute.to:
        yield _interval(mute, mute.days, (mute.from_, mute.to))
    else:
        yield _interval(mute, mute.days, (mute.from_, MIDNIGHT))
        if mute.to != "00:00":
            tomorrow = tuple(DAYS[(DAYS.index(day) + 1) % 7] for day in mute.days)
            yield _interval(mute, tomorrow, ("00:00", mute.to))


def _interval(
    mute: MuteTime, days: tuple[str, ...], times: tuple[str, str] | None = None
) -> TimeInterval:
    interval: TimeInterval = {}
    if times:
        interval["times"] = [{"start_time": times[0], "end_time": times[1]}]
    if days:
        interval["weekdays"] = [*days]
    if mute.timezone != "UTC":
        interval["location"] = mute.timezone
    return interval
