"""The choices of `obsctl init`: from its options, and from a person where options are missing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import get_args

from obsctl.console import ask
from obsctl.errors import Problem, UsageError
from obsctl.project.choices import (
    SEED_PROBE,
    SEED_SERVICES,
    SERVICE_FORM,
    Choices,
    EmailChoice,
    Part,
    SlackChoice,
    check_mail,
    check_name,
    check_smarthost,
    name_from,
    parse_probe,
    parse_service,
)

NOTHING = "none"


@dataclass(frozen=True, slots=True)
class Given:
    """The options of the command line; None is what was left out."""

    project: str | None = None
    environment: str | None = None
    services: Sequence[str] | None = None
    probes: Sequence[str] | None = None
    slack_secret: str | None = None
    slack_channel: str | None = None
    email: str | None = None
    email_from: str | None = None
    smarthost: str | None = None
    smtp_user: str | None = None
    webhook: str | None = None
    without: Sequence[str] | None = None


Choose = Callable[[str, str | None, str], str]


def choose(given: Given, directory: str, *, asks: bool) -> Choices:
    """All choices, asked for on the terminal where `asks`; raises UsageError for a wrong one."""

    def one(question: str, value: str | None, default: str) -> str:
        if value is not None:
            return value
        return ask(question, default) if asks else default

    def several(question: str, values: Sequence[str] | None, default: str) -> list[str]:
        words = list(values) if values is not None else one(question, None, default).split()
        return [] if words == [NOTHING] else words

    seed = " ".join(SEED_SERVICES)
    project = check_name(one("Project name", given.project, name_from(directory)), "project")
    environment = check_name(one("Environment", given.environment, "production"), "environment")
    services = several(f"Services, as {SERVICE_FORM}, separated by spaces", given.services, seed)
    # The default probe belongs to the default services; others have other pages.
    page = SEED_PROBE if tuple(services) == SEED_SERVICES else NOTHING
    probes = several("URLs to probe", given.probes, page)
    without = several("Parts to leave out (elk, kibana, grafana)", given.without, NOTHING)
    return Choices(
        project=project,
        environment=environment,
        services=tuple(map(parse_service, services)),
        probes=tuple(map(parse_probe, probes)),
        slack=_slack(given, one),
        email=_email(given, one),
        webhook=parse_probe(given.webhook) if given.webhook else None,
        without=tuple(map(_part, dict.fromkeys(without))),
    )


def _slack(given: Given, one: Choose) -> SlackChoice | None:
    question = "Notify Slack: name for the secret with the webhook's URL"
    secret = one(question, given.slack_secret, NOTHING)
    if secret == NOTHING:
        if given.slack_channel:
            raise _wrong("`--slack-channel` needs `--slack-secret`")
        return None
    return SlackChoice(check_name(secret, "secret"), given.slack_channel or "#ops")


def _email(given: Given, one: Choose) -> EmailChoice | None:
    to = one("Notify by e-mail: address", given.email, NOTHING)
    if to == NOTHING:
        if given.smarthost or given.smtp_user or given.email_from:
            raise _wrong("`--smarthost`, `--smtp-user` and `--email-from` need `--email`")
        return None
    check_mail(to)
    smarthost = one("SMTP server, host:port", given.smarthost, NOTHING)
    if smarthost == NOTHING:
        raise _wrong("e-mail needs an SMTP server", "add `--smarthost smtp.example.com:587`")
    check_smarthost(smarthost)
    sender = given.email_from or f"obsctl@{to.rpartition('@')[2]}"
    check_mail(sender)
    return EmailChoice(to, sender, smarthost, given.smtp_user)


def _part(text: str) -> Part:
    for part in get_args(Part):
        if text == part:
            known: Part = part
            return known
    raise _wrong(f"`{text}` cannot be left out", "one of elk, kibana, grafana")


def _wrong(message: str, hint: str | None = None) -> UsageError:
    return UsageError(Problem(message, hint=hint))
