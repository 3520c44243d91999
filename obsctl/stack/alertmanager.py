"""Alertmanager: its container, receivers, routes by severity, and what mutes what."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from obsctl.catalog.model import Alert, Catalog
from obsctl.conventions import PORTS, SEVERITIES
from obsctl.project import schema
from obsctl.project.schema import Project
from obsctl.stack.address import inside, url_inside
from obsctl.stack.alerting_model import Alerting, Inhibition, Integration, Receiver, Route
from obsctl.stack.elasticsearch import SERVICE as LOG_STORE
from obsctl.stack.images import Images
from obsctl.stack.model import DirectoryMount, Healthcheck, Port, Service, VolumeMount
from obsctl.stack.mute_times import muted_by, time_intervals
from obsctl.stack.prometheus import page_url

# Where alerts go that nobody asked for: a receiver without integrations.
NULL_RECEIVER = "null"
_PORT = PORTS["alertmanager"]


def alertmanager_service(project: Project, images: Images, secrets: tuple[str, ...]) -> Service:
    """`secrets` are those of its receivers: read from files at each notification."""
    settings = project.stack.alertmanager
    return Service(
        name="alertmanager",
        image=images.name("alertmanager"),
        user="65534:65534",
        command=(
            "--config.file=/etc/alertmanager/alertmanager.yml",
            "--storage.path=/alertmanager",
            f"--web.external-url={page_url(project, settings)}/",
            "--web.route-prefix=/",
            # A single instance: no gossip, no second port.
            "--cluster.listen-address=",
        ),
        directories=(DirectoryMount(PurePosixPath("alertmanager"), "/etc/alertmanager", hot=True),),
        volumes=(VolumeMount("alertmanager_data", "/alertmanager"),),
        secrets=secrets,
        ports=(Port(project.stack.bind, settings.port, _PORT),),
        healthcheck=Healthcheck(
            ("CMD", "wget", "-qO", "/dev/null", f"http://127.0.0.1:{_PORT}/-/ready")
        ),
        memory_bytes=settings.memory.bytes,
        host_gateway=True,  # receivers may run on the Docker host
        reload=f"http:{_PORT}/-/reload",
        ready=f"{_PORT}/-/ready",
    )


def alerting(project: Project, catalog: Catalog) -> Alerting:
    """Everything in alertmanager.yml."""
    grouping = project.notifications.grouping
    receivers = project.notifications.receivers
    return Alerting(
        receivers=(
            *(
                Receiver(name, tuple(_integrations(receiver)))
                for name, receiver in receivers.items()
            ),
            Receiver(NULL_RECEIVER, ()),
        ),
        routes=tuple(_routes(project)),
        inhibitions=tuple(_inhibitions(catalog)),
        group_wait=grouping.wait,
        group_interval=grouping.interval,
        repeat_interval=grouping.repeat,
        time_intervals=time_intervals(project),
    )


def receiver_secrets(project: Project) -> tuple[str, ...]:
    """Names of the secrets that notifications need, sorted."""
    return tuple(
        sorted(
            {
                reference.secret
                for receiver in project.notifications.receivers.values()
                for _, way in receiver
                if way is not None
                for _, reference in way
                if isinstance(reference, schema.SecretReference)
            }
        )
    )


def _routes(project: Project) -> Iterator[Route]:
    """The Watchdog first and often, and never muted: its silence is the alarm."""
    routes = project.notifications.routes
    yield Route(
        matchers=('alertname = "Watchdog"',),
        receivers=routes.watchdog or (NULL_RECEIVER,),
        group_wait="0s",
        group_interval="1m",
        repeat_interval="1m",
    )
    for severity in SEVERITIES:
        receivers: tuple[str, ...] = getattr(routes, severity)
        yield Route(
            matchers=(f'severity = "{severity}"',),
            receivers=receivers or (NULL_RECEIVER,),
            muted_by=muted_by(project, severity),
        )


def _inhibitions(catalog: Catalog) -> Iterator[Inhibition]:
    """Alerts that only repeat what a stronger one has said."""
    same = ("alertname", "service", "instance")
    yield Inhibition(('severity = "critical"',), ('severity =~ "warning|info"',), same)
    yield Inhibition(('severity = "warning"',), ('severity = "info"',), same)
    yield Inhibition(
        ('alertname = "TargetDown"',), ('alertname != "TargetDown"',), ("job", "instance")
    )
    alerts = [alert for kind in catalog.kinds.values() for alert in kind.alerts]
    causes, follow_ups = _named(alerts, "down"), _named(alerts, "follows")
    if causes and follow_ups:
        # A label that both sides lack counts as equal: without `system` nothing is muted.
        yield Inhibition(
            # The stack's own log store is of that system too, and breaks nothing of the users'.
            (f'alertname =~ "{causes}"', 'system != ""', f'service != "{LOG_STORE}"'),
            (f'alertname =~ "{follow_ups}"', 'system != ""'),
            ("system",),
        )


def _named(alerts: list[Alert], role: str) -> str:
    return "|".join(sorted({alert.name for alert in alerts if alert.role == role}))


def _integrations(receiver: schema.Receiver) -> Iterator[Integration]:
    yield from _chats(receiver)
    yield from _pagers(receiver)
    if receiver.email:
        yield Integration("email", _email(receiver.email))
    if receiver.webhook:
        yield Integration("webhook", _webhook(receiver.webhook))


def _chats(receiver: schema.Receiver) -> Iterator[Integration]:
    if way := receiver.slack:
        yield Integration("slack", _slack(way))
    if teams := receiver.msteams:
        url = _file(teams.webhook_url)
        yield Integration("msteamsv2", {"webhook_url_file": url, **_message("title", "text")})
    if discord := receiver.discord:
        url = _file(discord.webhook_url)
        yield Integration("discord", {"webhook_url_file": url, **_message("title", "message")})
    if telegram := receiver.telegram:
        yield Integration(
            "telegram",
            {
                "bot_token_file": _file(telegram.bot_token),
                "chat_id": telegram.chat_id,
                "parse_mode": "",  # plain text: markup in a label's value cannot break the message
                "message": '{{ template "obsctl.message" . }}',
                "send_resolved": True,
            },
        )


def _pagers(receiver: schema.Receiver) -> Iterator[Integration]:
    if pagerduty := receiver.pagerduty:
        yield Integration(
            "pagerduty",
            {
                "routing_key_file": _file(pagerduty.routing_key),
                "description": '{{ template "obsctl.title" . }}',
                "severity": '{{ template "obsctl.pagerduty.severity" . }}',
                "component": "{{ .CommonLabels.service }}",
                "group": "{{ .CommonLabels.system }}",
                "details": {"text": '{{ template "obsctl.text" . }}'},
                "send_resolved": True,
            },
        )
    if opsgenie := receiver.opsgenie:
        yield Integration(
            "opsgenie",
            {
                "api_key_file": _file(opsgenie.api_key),
                "message": '{{ template "obsctl.title" . }}',
                "description": '{{ template "obsctl.text" . }}',
                "priority": '{{ template "obsctl.opsgenie.priority" . }}',
                "send_resolved": True,
            },
        )


def _slack(way: schema.Slack) -> dict[str, object]:
    return {
        "api_url_file": _file(way.webhook_url),
        "channel": way.channel,
        "color": '{{ template "obsctl.slack.color" . }}',
        "title_link": "{{ .ExternalURL }}",
        "fallback": '{{ template "obsctl.title" . }}',
        **_message("title", "text"),
    }


def _email(way: schema.Email) -> dict[str, object]:
    account: dict[str, object] = {}
    if way.username is not None:
        account["auth_username"] = way.username
    if way.password is not None:
        account["auth_password_file"] = _file(way.password)
    return {
        "to": way.to,
        "from": way.from_,
        "smarthost": str(inside(way.smarthost)),
        **account,
        "require_tls": way.require_tls,
        "headers": {"Subject": '{{ template "obsctl.title" . }}'},
        "html": "",  # plain text only: nothing of an alert is ever read as markup
        "text": '{{ template "obsctl.message" . }}',
        "send_resolved": True,
    }


def _webhook(way: schema.Webhook) -> dict[str, object]:
    if way.url_secret:
        return {"url_file": _file(way.url_secret), "send_resolved": True}
    return {"url": url_inside(way.url or ""), "send_resolved": True}


def _message(title: str, text: str) -> dict[str, object]:
    return {
        title: '{{ template "obsctl.title" . }}',
        text: '{{ template "obsctl.text" . }}',
        "send_resolved": True,
    }


def _file(reference: schema.SecretReference) -> str:
    return f"/run/secrets/{reference.secret}"
