"""The `errors` section: where exceptions are collected, and who is told how to send them."""

from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, model_validator

from obsctl.project.fields import MailAddress, Memory, Port, Url, refused
from obsctl.project.quantities import Duration, Size
from obsctl.project.section import SecretReference, Section

_DAY_S: Final = 86_400


def _check_days(duration: Duration) -> Duration:
    if duration.seconds % _DAY_S:
        raise refused(f"`{duration}` is no number of whole days", "such as `90d`")
    return duration


class Sentry(Section):
    """A Sentry that exists already, hosted or your own."""

    dsn: SecretReference = Field(description="The project's DSN, as a reference.")
    url: Url | None = Field(
        None, description="Its list of issues, for links in alerts and dashboards."
    )


class Bugsink(Section):
    """A tracker in the stack: one container that the Sentry SDKs report to."""

    # 8000 is where most Python apps listen.
    port: Port = Field(8010, description="Port on the host.")
    url: Url | None = Field(
        None, description="Where apps and people reach it, in DSNs; default: the published port."
    )
    admin: MailAddress = Field("admin@localhost", description="Login of the first user.")
    retention: Annotated[Duration, AfterValidator(_check_days)] = Field(
        Duration("90d"), description="Age at which events are deleted, in whole days."
    )
    events: int = Field(
        10_000, ge=100, le=10_000_000, description="Events kept of each service; the oldest go."
    )
    memory: Memory = Field(Size("512MiB"), description="Limit of the container.")


class Errors(
    Section, json_schema_extra={"oneOf": [{"required": [k]} for k in ("sentry", "bugsink")]}
):
    """Where the services' exceptions are collected."""

    sentry: Sentry | None = Field(None, description="A Sentry that exists already.")
    bugsink: Bugsink | None = Field(
        None, description="A Sentry-compatible tracker in the stack; `{}` takes the defaults."
    )

    @model_validator(mode="after")
    def _is_one_tracker(self) -> Self:
        if (self.sentry is None) == (self.bugsink is None):
            raise refused(
                "`errors` needs exactly one of `sentry` and `bugsink`",
                "`sentry: { dsn: { secret: sentry_dsn } }` or `bugsink: {}`",
            )
        return self

    def dsn_secret(self, service: str) -> str:
        """The file under secrets/ that holds the DSN for a service's events."""
        return self.sentry.dsn.secret if self.sentry else f"{service}_sentry_dsn"
