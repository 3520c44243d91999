"""The choices of `obsctl init`: from its options, and from a person where options are missing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar, get_args

from obsctl.console import ask, print_problems
from obsctl.errors import Problem, UsageError
from obsctl.project.choices import (
    SEED_PROBE,
    SEED_SERVICES,
    SERVICE_FORM,
    Choices,
    EmailChoice,
    Part,
    ServiceChoice,
    SlackChoice,
    check_mail,
    check_name,
    check_smarthost,
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


T = TypeVar("T")
Fits = Callable[[tuple[ServiceChoice, ...]], object]
"""Raises UsageError for services that the catalogue cannot watch as they are given."""


@dataclass(frozen=True, slots=True)
class _Asker:
    """Takes what an option says; asks for the rest, and again while an answer is wrong."""

    asks: bool

    def one(self, question: str, value: str | None, default: str, read: Callable[[str], T]) -> T:
        if value is not None or not self.asks:
            return read(default if value is None else value)
        while True:
            answer = ask(question, default)
            try:
                return read(answer)
            except UsageError as error:
                print_problems(error.problems)

    def several(
        self,
        question: str,
        values: Sequence[str] | None,
        default: str,
        read: Callable[[list[str]], T],
    ) -> T:
        def read_words(words: Sequence[str]) -> T:
            return read([] if list(words) == [NOTHING] else list(words))

        if values is not None:
            return read_words(values)
        return self.one(question, None, default, lambda text: read_words(text.split()))


def choose(given: Given, name: str, fits: Fits, *, asks: bool) -> Choices:
    """All choices, asked for on the terminal where `asks`; raises UsageError for a wrong one.

    `name` is proposed for the project.
    """

    def read_services(words: list[str]) -> tuple[ServiceChoice, ...]:
        services = tuple(map(parse_service, words))
        fits(services)
        return services

    def read_probes(words: list[str]) -> tuple[str, ...]:
        return tuple(map(parse_probe, words))

    one, several = _Asker(asks).one, _Asker(asks).several
    seed = tuple(map(parse_service, SEED_SERVICES))
    project = one("Project name", given.project, name, _name_of("project"))
    environment = one("Environment", given.environment, "production", _name_of("environment"))
    question = f"Services, as {SERVICE_FORM}, separated by spaces"
    services = several(question, given.services, " ".join(SEED_SERVICES), read_services)
    # The default probe belongs to the default services; others have other pages.
    page = SEED_PROBE if services == seed else NOTHING
    return Choices(
        project=project,
        environment=environment,
        services=services,
        probes=several("URLs to probe", given.probes, page, read_probes),
        without=several(
            "Parts to leave out (elk, kibana, grafana)",
            given.without,
            NOTHING,
            lambda words: tuple(map(_part, dict.fromkeys(words))),
        ),
        slack=_slack(given, one),
        email=_email(given, one),
        webhook=parse_probe(given.webhook) if given.webhook else None,
    )


def _name_of(what: str) -> Callable[[str], str]:
    return lambda text: check_name(text, what)


def _slack(given: Given, one: Callable[..., str]) -> SlackChoice | None:
    question = "Notify Slack: name for the secret with the webhook's URL"
    secret = one(question, given.slack_secret, NOTHING, _unless_nothing(_name_of("secret")))
    if secret == NOTHING:
        if given.slack_channel:
            raise _wrong("`--slack-channel` needs `--slack-secret`")
        return None
    return SlackChoice(secret, given.slack_channel or "#ops")


def _email(given: Given, one: Callable[..., str]) -> EmailChoice | None:
    read_address = _unless_nothing(check_mail)
    to = one("Notify by e-mail: address", given.email, NOTHING, read_address)
    if to == NOTHING:
        if given.smarthost or given.smtp_user or given.email_from:
            raise _wrong("`--smarthost`, `--smtp-user` and `--email-from` need `--email`")
        return None
    smarthost = one("SMTP server, host:port", given.smarthost, NOTHING, _smarthost)
    sender = given.email_from or f"obsctl@{to.rpartition('@')[2]}"
    check_mail(sender)
    return EmailChoice(to, sender, smarthost, given.smtp_user)


def _smarthost(text: str) -> str:
    if text == NOTHING:
        raise _wrong("e-mail needs an SMTP server", "such as smtp.example.com:587 (`--smarthost`)")
    check_smarthost(text)
    return text


def _unless_nothing(check: Callable[[str], object]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text != NOTHING:
            check(text)
        return text

    return read


def _part(text: str) -> Part:
    for part in get_args(Part):
        if text == part:
            known: Part = part
            return known
    raise _wrong(f"`{text}` cannot be left out", "one of elk, kibana, grafana")


def _wrong(message: str, hint: str | None = None) -> UsageError:
    return UsageError(Problem(message, hint=hint))
