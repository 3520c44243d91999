"""`notifications.mute_times`: when alerts of a severity wait for the morning."""

import re
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema, model_validator

from obsctl.project.fields import Severity, refused
from obsctl.project.section import Section

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MIDNIGHT: Final = "24:00"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00"
_ZONE = r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*"


def _clock(text: str) -> str:
    if not re.fullmatch(_CLOCK, text):
        raise refused(f"`{text}` is no time of day", "hours and minutes, such as `22:00`")
    return text


def _zone(text: str) -> str:
    hint = "a name of the time zone database, such as `Europe/Berlin`"
    if not re.fullmatch(_ZONE, text):
        raise refused(f"`{text}` is no time zone", hint)
    # Without the database on this machine, amtool and Alertmanager are the ones to tell.
    if not _is_zone(text) and _is_zone("Etc/UTC"):
        raise refused(f"there is no time zone `{text}`", hint)
    return text


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


Clock = Annotated[
    str, AfterValidator(_clock), WithJsonSchema({"type": "string", "pattern": f"^({_CLOCK})$"})
]
Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
TimeZone = Annotated[str, StringConstraints(min_length=1), AfterValidator(_zone)]


class MuteTime(Section):
    """A time of the week in which nobody is told; alerts still fire, and are sent afterwards."""

    severities: tuple[Severity, ...] = Field(
        ("warning", "info"), min_length=1, description="Which alerts are held back."
    )
    days: tuple[Day, ...] = Field((), description="Days of the week; every day without it.")
    from_: Clock | None = Field(None, alias="from", description="Time of day, such as `22:00`.")
    to: Clock | None = Field(
        None, description="Time of day; one before `from` is that of the next day."
    )
    timezone: TimeZone = Field("UTC", description="Such as Europe/Berlin.")

    @model_validator(mode="after")
    def _is_a_part_of_the_week(self) -> Self:
        if (self.from_ is None) != (self.to is None):
            raise refused("`from` and `to` go together", "set both, or only `days`")
        if self.from_ is not None and self.from_ == self.to:
            raise refused("`from` and `to` are the same time", "leave both out for whole days")
        if self.from_ is None and not set(DAYS) - set(self.days or DAYS):
            hint = "name `days`, or `from` and `to`; or leave the severity without receivers"
            raise refused("this mutes the whole week", hint)
        if self.from_ == MIDNIGHT:
            raise refused("`from` ends the day", "write `00:00`")
        return self
