"""`obsctl init`: a commented project file, generated secrets, .gitignore entries."""

from pathlib import Path
from typing import Annotated

import typer

File = Annotated[Path, typer.Option("--file", "-f", help="Project file to write.", readable=False)]
Name = Annotated[str | None, typer.Option("--project", help="Project name [directory's name].")]
Environment = Annotated[str | None, typer.Option("--environment", help="Such as production.")]
Services = Annotated[
    list[str] | None,
    typer.Option("--service", help="NAME=KIND@[USER@]HOST:PORT; may be repeated."),
]
Probes = Annotated[list[str] | None, typer.Option("--probe", help="URL to probe; repeatable.")]
Slack = Annotated[
    str | None, typer.Option("--slack-secret", help="Notify Slack; name of the URL's secret.")
]
Channel = Annotated[str | None, typer.Option("--slack-channel", help="Channel [#ops].")]
Email = Annotated[str | None, typer.Option("--email", help="Notify this address by e-mail.")]
Sender = Annotated[str | None, typer.Option("--email-from", help="Sender's address.")]
Smarthost = Annotated[str | None, typer.Option("--smarthost", help="SMTP server, host:port.")]
SmtpUser = Annotated[str | None, typer.Option("--smtp-user", help="User at the SMTP server.")]
Webhook = Annotated[str | None, typer.Option("--webhook", help="Notify this URL.")]
Without = Annotated[
    list[str] | None, typer.Option("--without", help="Leave out elk, kibana or grafana.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Take the defaults, ask nothing.")]
SecretsOnly = Annotated[
    bool, typer.Option("--secrets-only", help="Only make missing secrets of an existing file.")
]


def command(  # noqa: PLR0913, PLR0917 - one parameter per option
    file: File = Path("obsctl.yaml"),
    project: Name = None,
    environment: Environment = None,
    service: Services = None,
    probe: Probes = None,
    slack_secret: Slack = None,
    slack_channel: Channel = None,
    email: Email = None,
    email_from: Sender = None,
    smarthost: Smarthost = None,
    smtp_user: SmtpUser = None,
    webhook: Webhook = None,
    without: Without = None,
    *,
    yes: Yes = False,
    secrets_only: SecretsOnly = False,
) -> None:
    """Write obsctl.yaml, secrets and .gitignore entries. Overwrites nothing."""
    from obsctl.cli import interview, scaffolding

    given = interview.Given(
        project=project,
        environment=environment,
        services=service,
        probes=probe,
        slack_secret=slack_secret,
        slack_channel=slack_channel,
        email=email,
        email_from=email_from,
        smarthost=smarthost,
        smtp_user=smtp_user,
        webhook=webhook,
        without=without,
    )
    if secrets_only:
        scaffolding.complete(file, given)
    else:
        scaffolding.create(file, given, asks=not yes)
