"""The text of a new obsctl.yaml, of .gitignore, and what is left to do by hand."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from obsctl.conventions import SECRETS_DIRECTORY, STATE_DIRECTORY
from obsctl.project.choices import Choices, EmailChoice, Form, ServiceChoice, SlackChoice

IGNORED: Final = (f"{SECRETS_DIRECTORY}/", f"{STATE_DIRECTORY}/")

_PLAIN: Final = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@-]*")
_WORDS: Final = frozenset(("true", "false", "null", "yes", "no", "on", "off"))
_COMMENT_COLUMN: Final = 40

_HEAD: Final = """\
# What is watched, who is told, and how the stack runs.
#   obsctl validate   checks this file        obsctl up      brings the stack up
#   obsctl render     writes stack/ from it   obsctl check   proves that it works
# Every setting with its meaning and default: obsctl schema
"""
_ALERTS: Final = """\
# Alerts, dashboards and runbooks come with each kind. Any alert can be changed by its name:
# alerts:
#   HighErrorRate: { warning: 5%, critical: 10%, for: 5m }
#   HighCPU: { enabled: false }
"""
_NO_RECEIVERS: Final = """\
# Nobody is told yet: alerts show in Alertmanager and Grafana only. A receiver, as an example
# (its secret goes into secrets/slack_webhook, never into this file):
# notifications:
#   receivers:
#     ops:
#       slack: { webhook_url: { secret: slack_webhook }, channel: '#ops' }
#   routes: { critical: [ops], warning: [ops] }
"""
_ERRORS: Final = """\
# Exceptions of the apps go to a tracker of the stack, or to a Sentry that is there already
# ({ sentry: { dsn: { secret: sentry_dsn } } }); the code for the apps: obsctl instrument
# errors: { bugsink: {} }"""
_SOURCES: Final = """\
# A secret can come from elsewhere each time that `obsctl up` runs: a variable, a file, a program.
# secrets:
#   %s: { env: %s }       # or { file: PATH }, or { exec: [pass, show, NAME] }"""


def project_text(choices: Choices, forms: Mapping[str, Form]) -> str:
    """obsctl.yaml with comments; `forms` says how each kind is reached."""
    blocks = [
        _HEAD + "\n".join(_lines(_general(choices))),
        "# What is watched. `localhost` is the machine that Docker runs on.\n"
        + "\n".join(_lines(_services(choices, forms))),
        "\n".join(_lines(_probes(choices))),
        _objectives(choices, forms) + _ALERTS.rstrip("\n"),
        "\n".join(_lines(_notifications(choices))) or _NO_RECEIVERS.rstrip("\n"),
        _sources(choices),
        "\n".join(_lines(_logs(choices))),
        _ERRORS,
        "\n".join(_lines(_stack(choices))),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def ignore_text(existing: str) -> str:
    """What to append to .gitignore; nothing where all is there."""
    present = {line.strip().lstrip("/").rstrip("/") for line in existing.splitlines()}
    absent = [entry for entry in IGNORED if entry.rstrip("/") not in present]
    if not absent:
        return ""
    lead = "" if not existing or existing.endswith("\n") else "\n"
    return lead + "".join(f"{entry}\n" for entry in absent)


def login_command(service: ServiceChoice) -> str | None:
    """What creates the exporter's user with its generated password; None if there is none."""
    if service.user is None or service.address is None:
        return None
    host, _, port = service.address.rpartition(":")
    path = f"{SECRETS_DIRECTORY}/{service.secret}"
    command = _LOGINS.get(service.kind)
    if command is None:
        return None
    fields = {"user": service.user, "host": host.strip("[]"), "port": port, "file": path}
    return re.sub("<([a-z]+)>", lambda match: fields[match[1]], command)


# The password comes out of its file inside the client, so that no process list shows it.
_LOGINS: Final = {
    "mongodb": (
        "mongosh --host <host> --port <port> --username ADMIN admin --eval '"
        'db.createUser({ user: "<user>", pwd: require("fs").readFileSync("<file>", "utf8"), '
        'roles: [{ role: "clusterMonitor", db: "admin" }, { role: "read", db: "local" }] })\''
    ),
    "postgres": (
        "printf \"CREATE ROLE <user> LOGIN PASSWORD '%s'; GRANT pg_monitor TO <user>;\" "
        '"$(cat <file>)" | psql -h <host> -p <port> -U postgres'
    ),
    "mysql": (
        "printf \"CREATE USER '<user>'@'%%' IDENTIFIED BY '%s'; "
        "GRANT PROCESS, REPLICATION CLIENT, SELECT ON *.* TO '<user>'@'%%';\" "
        '"$(cat <file>)" | mysql -h <host> -P <port> -u root -p'
    ),
}


def _lines(parts: Iterator[tuple[str, str]]) -> Iterator[str]:
    """Settings with their comments in one column."""
    for setting, comment in parts:
        yield f"{setting:<{_COMMENT_COLUMN - 2}}  # {comment}" if comment else setting


def _scalar(text: str) -> str:
    """Text as YAML reads it back: plain where that is safe, JSON quotes otherwise."""
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def _address(text: str) -> str:
    """host:port needs no quotes as a plain scalar, save for IPv6 brackets and the like."""
    return text if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*:[0-9]+", text) else json.dumps(text)


def _general(choices: Choices) -> Iterator[tuple[str, str]]:
    yield "version: 1", ""
    yield f"project: {_scalar(choices.project)}", "names containers, networks and volumes"
    yield f"environment: {_scalar(choices.environment)}", "a label on every metric and alert"


def _services(choices: Choices, forms: Mapping[str, Form]) -> Iterator[tuple[str, str]]:
    if not choices.services:
        yield "services: {}", "such as api: { kind: http, targets: [localhost:8080] }"
        return
    yield "services:", ""
    for service in choices.services:
        yield f"  {_scalar(service.name)}:", ""
        yield from _service(service, forms[service.kind])


def _service(service: ServiceChoice, form: Form) -> Iterator[tuple[str, str]]:
    meaning = {
        "targets": "serves its metrics itself",
        "address": "watched through an exporter of the stack",
        "host": "CPU, memory, disks and network of the Docker host",
    }
    yield f"    kind: {_scalar(service.kind)}", meaning[form]
    if service.address is not None and form == "targets":
        yield f"    targets: [{_address(service.address)}]", "one entry per instance"
    elif service.address is not None:
        yield f"    address: {_address(service.address)}", ""
    if service.user is not None:
        yield "    credentials:", ""
        yield f"      user: {_scalar(service.user)}", ""
        reference = f"{{ secret: {service.secret} }}"
        yield f"      password: {reference}", f"in secrets/{service.secret}"


def _probes(choices: Choices) -> Iterator[tuple[str, str]]:
    if choices.probes:
        yield "probes:", "URLs that must answer with 2xx"
        for url in choices.probes:
            yield f"  - {_scalar(url) if ' ' in url else url}", ""


def _objectives(choices: Choices, forms: Mapping[str, Form]) -> str:
    apps = [service.name for service in choices.services if forms[service.kind] == "targets"]
    if not apps:
        return ""
    return (
        "# A promise gives burn-rate alerts, early and few:\n# slo:\n"
        f"#   {apps[0]}: {{ availability: 99.9%, latency: {{ under: 2s, ratio: 95% }} }}\n\n"
    )


def _notifications(choices: Choices) -> Iterator[tuple[str, str]]:
    ways = [*_ways(choices)]
    if not ways:
        return
    yield "notifications:", ""
    yield "  receivers:", ""
    yield "    ops:", ""
    yield from ways
    yield "  routes:", "receivers by severity; info goes nowhere unless named"
    yield "    critical: [ops]", ""
    yield "    warning: [ops]", ""


def _ways(choices: Choices) -> Iterator[tuple[str, str]]:
    if choices.slack is not None:
        yield from _slack(choices.slack)
    if choices.email is not None:
        yield from _email(choices.email)
    if choices.webhook is not None:
        yield "      webhook:", ""
        yield f"        url: {json.dumps(choices.webhook)}", ""


def _sources(choices: Choices) -> str:
    """A comment with a secret of the user's own as the example; none where there is none."""
    slack = [choices.slack.secret] if choices.slack is not None else []
    own = [*slack, *(one.secret for one in choices.services if one.user is not None)]
    return _SOURCES % (own[0], own[0].upper().replace("-", "_")) if own else ""


def _slack(slack: SlackChoice) -> Iterator[tuple[str, str]]:
    yield "      slack:", ""
    yield f"        webhook_url: {{ secret: {slack.secret} }}", f"in secrets/{slack.secret}"
    yield f"        channel: {json.dumps(slack.channel, ensure_ascii=False)}", ""


def _email(email: EmailChoice) -> Iterator[tuple[str, str]]:
    yield "      email:", ""
    yield f"        to: {json.dumps(email.to)}", ""
    yield f"        from: {json.dumps(email.sender)}", ""
    yield f"        smarthost: {_address(email.smarthost)}", ""
    if email.user is not None:
        yield f"        username: {json.dumps(email.user)}", ""
        yield "        password: { secret: smtp_password }", "in secrets/smtp_password"


def _logs(choices: Choices) -> Iterator[tuple[str, str]]:
    if "elk" in choices.without:
        return
    yield "logs:", ""
    yield "  inputs:", ""
    yield "    tcp: { port: 5000 }", "JSON, one event a line; also: beats: {}, gelf: {}"
    yield "  retention: 14d", "older logs are deleted"


def _stack(choices: Choices) -> Iterator[tuple[str, str]]:
    yield "stack:", "the stack's own parts; every setting has a default"
    yield "  bind: 127.0.0.1", "only this machine reaches the ports"
    yield "  prometheus:", ""
    yield "    retention: 15d", "older metrics are deleted"
    if choices.without:
        yield f"  without: [{', '.join(choices.without)}]", "left out"
