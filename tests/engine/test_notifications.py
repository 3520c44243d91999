"""A real alert of a real Prometheus through a real Alertmanager to every kind of receiver.

The receivers' services are two sinks on this machine; three of them have URLs of their own that
no setting of obsctl's changes, so that a patch of the project does.
"""

import json
import re
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.engine.project import ProjectUnderTest, clean_environment, free_port
from tests.engine.sinks import Sinks
from tests.kit.engine import ensure_engine
from tests.kit.host import KitUnavailable
from tests.kit.images import stack_images
from tests.kit.tools import ensure_tools, tool_environment
from tests.kit.watched import address_for_containers
from tests.tiers import unavailable

TITLE = "CRITICAL: cache RedisDown [production]"
EXPECTED = {
    "/slack", "/msteams", "/api/webhooks/1/token", "/telegram/bot1:sink-token/sendMessage",
    "/pagerduty", "/opsgenie/v2/alerts", "/hooks", "/deadman", "/notes",
}  # fmt: skip
Json = Any


def notifications(http: int, smtp: int) -> str:
    """Every receiver for critical alerts; warnings are muted all day, notes are not."""
    days = ", ".join(time.strftime("%A", time.gmtime(time.time() + day * 86400)).lower()
                     for day in (-1, 0, 1))  # fmt: skip
    base = f"http://host.docker.internal:{http}"
    return f"""\
alerts:
  RedisDown: {{ for: 1s }}
notifications:
  receivers:
    chats:
      slack: {{ webhook_url: {{ secret: slack }}, channel: '#ops' }}
      msteams: {{ webhook_url: {{ secret: msteams }} }}
      discord: {{ webhook_url: {{ secret: discord }} }}
      telegram: {{ bot_token: {{ secret: telegram }}, chat_id: -1001234 }}
    pagers:
      pagerduty: {{ routing_key: {{ secret: pagerduty }} }}
      opsgenie: {{ api_key: {{ secret: opsgenie }} }}
    mail:
      email:
        to: ops@example.com
        from: obsctl@example.com
        smarthost: localhost:{smtp}
        require_tls: false
    hooks: {{ webhook: {{ url: "http://localhost:{http}/hooks" }} }}
    deadman: {{ webhook: {{ url_secret: {{ secret: deadman }} }} }}
    muted: {{ webhook: {{ url: "http://localhost:{http}/muted" }} }}
    notes: {{ webhook: {{ url: "http://localhost:{http}/notes" }} }}
  routes:
    critical: [chats, pagers, mail, hooks]
    warning: [muted]
    info: [notes]
    watchdog: [deadman]
  grouping: {{ wait: 1s, interval: 1s, repeat: 1h }}
  mute_times:
    today: {{ severities: [warning], days: [{days}] }}
patches:
  alertmanager/alertmanager.yml:
    global:
      pagerduty_url: {base}/pagerduty
      opsgenie_api_url: {base}/opsgenie/
      telegram_api_url: {base}/telegram"""


def write_secrets(project: ProjectUnderTest, http: int) -> None:
    folder = project.folder / "secrets"
    folder.mkdir(mode=0o700)
    base = f"http://host.docker.internal:{http}"
    secrets = {name: f"{base}/{name}" for name in ("slack", "msteams", "discord", "deadman")}
    # Alertmanager looks at the shape of what it gets: Discord's ends with an id and a token.
    secrets["discord"] = f"{base}/api/webhooks/1/token"
    secrets |= {"telegram": "1:sink-token", "pagerduty": "k3y-" * 8, "opsgenie": "opsgenie-key"}
    for name, value in secrets.items():
        (folder / name).write_text(value)
        (folder / name).chmod(0o444)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sinks]:
    """The sinks, once Redis has been missed and the notes have come."""
    try:
        sinks = Sinks(address_for_containers(ensure_engine().docker_host))
        images = stack_images()
        ensure_tools()
    except KitUnavailable as reason:
        unavailable("engine", str(reason))
    environment = clean_environment(tool_environment())
    folder = tmp_path_factory.mktemp("notifications")
    project = ProjectUnderTest(folder, "obsctl-notify", images, environment)
    http, smtp = sinks.start()
    service = f'  cache: {{ kind: redis, address: "localhost:{free_port()}" }}'
    project.write(service, more=notifications(http, smtp))
    write_secrets(project, http)
    try:
        up = project.obsctl("up")
        assert up.code == 0, up.text
        post_alerts(project)
        await_all(sinks)
        yield sinks
    finally:
        done = project.obsctl("down", "--volumes")
        sinks.stop()
    assert done.code == 0, done.text


def await_all(sinks: Sinks, within_s: float = 30) -> None:
    until = time.monotonic() + within_s
    while missing := [*(EXPECTED - sinks.posts.keys()), *([] if sinks.mails else ["mail"])]:
        assert time.monotonic() < until, f"nothing came to {missing}, but to {[*sinks.posts]}"
        time.sleep(0.1)


def post_alerts(project: ProjectUnderTest) -> None:
    """Beside what Prometheus sends: one of each other severity, and the Watchdog.

    Prometheus's own Watchdog, refused while Alertmanager was starting, is sent again after 1 min.
    """
    names = {"Muted": "warning", "Note": "info", "Watchdog": "none"}
    alerts = [{"labels": {"alertname": name, "severity": names[name]}} for name in names]
    url = f"http://127.0.0.1:{project.ports['alertmanager']}/api/v2/alerts"
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(alerts).encode(), headers)
    with urllib.request.urlopen(request, timeout=5):
        pass


def first(sinks: Sinks, path: str) -> Json:
    """What a path was posted first about Redis."""
    posts = [post for post in sinks.posts[path] if "RedisDown" in json.dumps(post)]
    assert posts, f"{path}: {sinks.posts[path]}"
    return posts[0]


def is_whole(text: str) -> bool:
    """It says what is broken and where, since when, and where to go on."""
    lines = [line for line in text.replace("\r", "").splitlines() if line.strip()]
    head = lines[1] if lines[0] == TITLE else lines[0]
    wanted = (
        r"since: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC",
        r"runbook: http://localhost:\d+/\S+",
        r"dashboard: http://localhost:\d+/\S+",
    )
    leads = head.startswith("Redis is down")
    return leads and all(re.search(rf"^{one}$", "\n".join(lines), re.MULTILINE) for one in wanted)


def test_slack(told: Sinks) -> None:
    post = first(told, "/slack")
    (attachment,) = post["attachments"]
    assert (post["channel"], attachment["title"]) == ("#ops", TITLE)
    assert attachment["color"] == "danger"
    assert is_whole(attachment["text"]), attachment["text"]


def test_microsoft_teams(told: Sinks) -> None:
    (attachment,) = first(told, "/msteams")["attachments"]
    title, text = (block["text"] for block in attachment["content"]["body"])
    assert title == TITLE
    assert is_whole(text), text


def test_discord(told: Sinks) -> None:
    (embed,) = first(told, "/api/webhooks/1/token")["embeds"]
    assert embed["title"] == TITLE
    assert is_whole(embed["description"]), embed["description"]


def test_telegram(told: Sinks) -> None:
    post = first(told, "/telegram/bot1:sink-token/sendMessage")
    assert post["chat_id"] == "-1001234"
    assert post["text"].startswith(TITLE)
    assert is_whole(post["text"]), post["text"]
    assert not post.get("parse_mode")


def test_pagerduty(told: Sinks) -> None:
    post = first(told, "/pagerduty")
    assert (post["routing_key"], post["event_action"]) == ("k3y-" * 8, "trigger")
    payload = post["payload"]
    assert (payload["summary"], payload["severity"]) == (TITLE, "critical")
    assert (payload["component"], payload["group"]) == ("cache", "obsctl-notify")
    assert is_whole(payload["custom_details"]["text"])


def test_opsgenie(told: Sinks) -> None:
    post = first(told, "/opsgenie/v2/alerts")
    assert (post["message"], post["priority"]) == (TITLE, "P1")
    assert is_whole(post["description"]), post["description"]


def test_mail_is_plain_text(told: Sinks) -> None:
    mail = next(mail for mail in told.mails if "RedisDown" in str(mail["Subject"]))
    assert (mail["To"], mail["From"]) == ("ops@example.com", "obsctl@example.com")
    assert mail["Subject"] == TITLE
    body = mail.get_body(("plain",))
    assert body is not None
    assert is_whole(body.get_content()), body.get_content()
    assert mail.get_body(("html",)) is None


def test_webhook(told: Sinks) -> None:
    post = first(told, "/hooks")
    (alert,) = post["alerts"]
    assert alert["status"] == "firing"
    assert alert["labels"].items() >= {
        "alertname": "RedisDown", "severity": "critical", "service": "cache",
        "system": "obsctl-notify", "environment": "production",
    }.items()  # fmt: skip
    assert alert["annotations"].keys() >= {"summary", "description", "runbook_url", "dashboard_url"}


def test_the_watchdog_has_its_own_receiver(told: Sinks) -> None:
    names = {alert["labels"]["alertname"] for post in told.posts["/deadman"]
             for alert in post["alerts"]}  # fmt: skip
    assert names == {"Watchdog"}


def test_a_mute_time_holds_back_its_severity_only(told: Sinks) -> None:
    assert "/notes" in told.posts
    time.sleep(1.5)  # beyond the groups' wait
    assert "/muted" not in told.posts
