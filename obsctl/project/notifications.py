"""The `notifications` section: receivers, routes, grouping, mute times."""

from typing import Self

from pydantic import Field, model_validator

from obsctl.project.fields import Address, MailAddress, Name, Text, Url, refused
from obsctl.project.mute_times import MuteTime
from obsctl.project.quantities import Duration
from obsctl.project.section import SecretReference, Section


class Slack(Section):
    """A Slack incoming webhook."""

    webhook_url: SecretReference = Field(description="URL of the incoming webhook.")
    channel: Text = Field(description="Channel, in quotes: '#ops'.")


class Email(Section):
    """E-mail over SMTP."""

    to: MailAddress = Field(description="One or several addresses, separated by commas.")
    from_: MailAddress = Field(alias="from", description="The sender's address.")
    smarthost: Address = Field(description="host:port of the SMTP server.")
    username: Text | None = Field(None, description="User name at the SMTP server.")
    password: SecretReference | None = Field(None, description="Password at the SMTP server.")
    require_tls: bool = Field(default=True, description="Refuse to send without STARTTLS.")

    @model_validator(mode="after")
    def _login_is_whole(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise refused("`username` and `password` go together", "set both, or none")
        return self


class Pagerduty(Section):
    """PagerDuty, Events API v2."""

    routing_key: SecretReference = Field(description="Integration key of the service.")


class Opsgenie(Section):
    """Opsgenie."""

    api_key: SecretReference = Field(description="API key of the integration.")


class Msteams(Section):
    """Microsoft Teams, through a Workflows webhook."""

    webhook_url: SecretReference = Field(description="URL of the workflow.")


class Discord(Section):
    """A Discord webhook."""

    webhook_url: SecretReference = Field(description="URL of the webhook.")


class Telegram(Section):
    """A Telegram bot."""

    bot_token: SecretReference = Field(description="Token of the bot.")
    chat_id: int = Field(description="Number of the chat; groups have negative ones.")


class Webhook(Section, json_schema_extra={"minProperties": 1, "maxProperties": 1}):
    """Any HTTP endpoint that takes Alertmanager's JSON."""

    url: Url | None = Field(None, description="A URL that holds no secret.")
    url_secret: SecretReference | None = Field(None, description="A URL that holds one.")

    @model_validator(mode="after")
    def _one_url(self) -> Self:
        if (self.url is None) == (self.url_secret is None):
            raise refused("a webhook needs exactly one of `url` and `url_secret`")
        return self


class Receiver(Section, json_schema_extra={"minProperties": 1}):
    """Where notifications go; at least one way."""

    slack: Slack | None = Field(None, description="Slack.")
    email: Email | None = Field(None, description="E-mail.")
    pagerduty: Pagerduty | None = Field(None, description="PagerDuty.")
    opsgenie: Opsgenie | None = Field(None, description="Opsgenie.")
    msteams: Msteams | None = Field(None, description="Microsoft Teams.")
    discord: Discord | None = Field(None, description="Discord.")
    telegram: Telegram | None = Field(None, description="Telegram.")
    webhook: Webhook | None = Field(None, description="An HTTP endpoint of yours.")

    @model_validator(mode="after")
    def _has_a_way(self) -> Self:
        ways = type(self).model_fields
        if all(getattr(self, way) is None for way in ways):
            known = ", ".join(f"`{way}`" for way in ways)
            raise refused("a receiver needs at least one way to be reached", f"one of {known}")
        return self


class Routes(Section):
    """Receivers by severity; `watchdog` is the dead man's switch."""

    critical: tuple[Name, ...] = Field((), description="Receivers of critical alerts.")
    warning: tuple[Name, ...] = Field((), description="Receivers of warnings.")
    info: tuple[Name, ...] = Field((), description="Receivers of notes; none by default.")
    watchdog: tuple[Name, ...] = Field(
        (), description="Receivers of the alert that always fires: silence there is the alarm."
    )


class Grouping(Section):
    """How alerts are gathered into one notification."""

    wait: Duration = Field(Duration("30s"), description="Before a group's first notification.")
    interval: Duration = Field(Duration("5m"), description="Before news of a known group.")
    repeat: Duration = Field(Duration("4h"), description="Before a reminder of what still fires.")


class Notifications(Section):
    """Who is told about which alerts."""

    receivers: dict[Name, Receiver] = Field(
        default_factory=dict, description="Receivers by name; routes use the names."
    )
    routes: Routes = Field(Routes(), description="Receivers by severity.")
    grouping: Grouping = Field(Grouping(), description="How alerts are gathered.")
    mute_times: dict[Name, MuteTime] = Field(
        default_factory=dict, description="Times of the week in which nobody is told, by a name."
    )
