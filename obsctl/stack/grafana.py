"""Grafana: its container and its datasources with fixed uids."""

from pathlib import PurePosixPath
from typing import TypedDict

from obsctl.conventions import (
    DATASOURCE_ALERTMANAGER,
    DATASOURCE_ELASTICSEARCH,
    DATASOURCE_PROMETHEUS,
    GRAFANA_KEY,
    HOME_DASHBOARD,
    PORTS,
)
from obsctl.project.schema import Project
from obsctl.stack.images import Images
from obsctl.stack.model import (
    Access,
    Datasource,
    DirectoryMount,
    Healthcheck,
    Port,
    Service,
    VolumeMount,
)
from obsctl.stack.prometheus import page_url
from obsctl.stack.web import web_access

READER, READER_PASSWORD = "grafana_reader", "grafana_reader_password"
ADMIN_PASSWORD = "grafana_admin_password"  # noqa: S105 - the name of a secret
DASHBOARDS = "/var/lib/obsctl/dashboards"
_PORT = PORTS["grafana"]
# Datasources first: dashboards name them.
_KINDS = ("datasources", "dashboards")
_RELOAD = "/api/admin/provisioning/{}/reload"


class _Login(TypedDict, total=False):
    """How Grafana logs in at a datasource."""

    user: str
    secret: str
    tls: bool


def grafana_service(project: Project, images: Images, *, with_logs: bool) -> Service:
    settings = project.stack.grafana
    return Service(
        name="grafana",
        image=images.name("grafana"),
        user="472:0",
        environment=_environment(page_url(project, settings)),
        directories=(
            DirectoryMount(
                PurePosixPath("grafana/provisioning"), "/etc/grafana/provisioning", hot=True
            ),
            DirectoryMount(PurePosixPath("grafana/dashboards"), DASHBOARDS, hot=True),
        ),
        volumes=(VolumeMount("grafana_data", "/var/lib/grafana"),),
        tmpfs=("/tmp:size=64m,mode=1777",),  # noqa: S108 - plugins make their sockets there
        secrets=(ADMIN_PASSWORD, GRAFANA_KEY, *((READER_PASSWORD,) if with_logs else ())),
        ports=(Port(project.stack.bind, settings.port, _PORT),),
        healthcheck=Healthcheck(
            ("CMD", "wget", "-qO", "/dev/null", f"http://127.0.0.1:{_PORT}/api/health")
        ),
        memory_bytes=settings.memory.bytes,
        reload=" ".join(f"http:{_PORT}{_RELOAD.format(kind)}" for kind in _KINDS),
        ready=f"{_PORT}/api/health",
    )


def _environment(url: str) -> dict[str, str]:
    # Over plain HTTP a browser would keep such a cookie to itself, and nobody could sign in.
    cookies = {"GF_SECURITY_COOKIE_SECURE": "true"} if url.startswith("https://") else {}
    settings = {
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_AUTH_ANONYMOUS_ENABLED": "false",
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": f"{DASHBOARDS}/{HOME_DASHBOARD}.json",
        "GF_LOG_MODE": "console",
        "GF_NEWS_NEWS_FEED_ENABLED": "false",
        # The update of the bundled Elasticsearch plugin fails and leaves it stopped.
        "GF_PLUGINS_PREINSTALL_AUTO_UPDATE": "false",
        "GF_SECURITY_ADMIN_PASSWORD__FILE": f"/run/secrets/{ADMIN_PASSWORD}",
        "GF_SECURITY_ADMIN_USER": "admin",
        "GF_SECURITY_CONTENT_SECURITY_POLICY": "true",
        # Strict would show the login page to whoever follows a link from a chat or a mail.
        "GF_SECURITY_COOKIE_SAMESITE": "lax",
        "GF_SECURITY_DISABLE_GRAVATAR": "true",
        # Encrypts the datasources' passwords in Grafana's database; the built-in one is public.
        "GF_SECURITY_SECRET_KEY__FILE": f"/run/secrets/{GRAFANA_KEY}",
        "GF_SERVER_ROOT_URL": f"{url}/",
        # Else a click sends a dashboard's data to a public server.
        "GF_SNAPSHOTS_EXTERNAL_ENABLED": "false",
        "GF_USERS_ALLOW_SIGN_UP": "false",
    }
    return dict(sorted((settings | cookies).items()))


def datasources(project: Project, elasticsearch_url: str | None) -> tuple[Datasource, ...]:
    web = web_access(project)
    scheme, login = ("http", _Login()) if web is None else (web.scheme, _login(web))
    prometheus = Datasource(
        uid=DATASOURCE_PROMETHEUS,
        name="Prometheus",
        type="prometheus",
        url=f"{scheme}://prometheus:{PORTS['prometheus']}",
        is_default=True,
        json_data={
            "alertmanagerUid": DATASOURCE_ALERTMANAGER,
            "httpMethod": "POST",
            "timeInterval": str(project.stack.prometheus.scrape_interval),
        },
        **login,
    )
    alertmanager = Datasource(
        uid=DATASOURCE_ALERTMANAGER,
        name="Alertmanager",
        type="alertmanager",
        url=f"{scheme}://alertmanager:{PORTS['alertmanager']}",
        json_data={"handleGrafanaManagedAlerts": False, "implementation": "prometheus"},
        **login,
    )
    if elasticsearch_url is None:
        return (prometheus, alertmanager)
    return (prometheus, alertmanager, _logs(elasticsearch_url))


def _login(web: Access) -> _Login:
    return {"user": web.user, "secret": web.secret, "tls": web.tls}


def _logs(url: str) -> Datasource:
    return Datasource(
        uid=DATASOURCE_ELASTICSEARCH,
        name="Elasticsearch",
        type="elasticsearch",
        url=url,
        # No `interval`: the index of a data stream is one name, not one a day.
        json_data={
            "index": "logs-*-*",
            "logLevelField": "log.level",
            "logMessageField": "message",
            "timeField": "@timestamp",
        },
        user=READER,
        secret=READER_PASSWORD,
        tls=url.startswith("https"),
    )
