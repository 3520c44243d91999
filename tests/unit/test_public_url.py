"""Links in notifications lead to where people reach the pages, not to the Docker host."""

from pathlib import Path

from tests.unit.stacks import resolved, service

PROJECT = """\
services:
  backend: { kind: express, targets: ['localhost:3000'] }
stack:
  grafana: { url: 'https://grafana.example.com/' }
  alertmanager: { url: 'https://ops.example.com/alertmanager' }
"""


def test_links_take_the_public_url(tmp_path: Path) -> None:
    stack = resolved(tmp_path, PROJECT)
    urls = {
        value
        for group in stack.rule_groups
        for rule in group.rules
        for name, value in rule.annotations.items()
        if name in {"dashboard_url", "runbook_url"}
    }
    assert urls
    assert all(url.startswith("https://grafana.example.com/d/") for url in urls)


def test_cookies_are_kept_off_plain_http_where_grafana_is_reached_by_https(tmp_path: Path) -> None:
    secure = "GF_SECURITY_COOKIE_SECURE"
    assert service(resolved(tmp_path, PROJECT), "grafana").environment[secure] == "true"
    plain = PROJECT.replace("https://grafana", "http://grafana")
    assert secure not in service(resolved(tmp_path, plain), "grafana").environment


def test_components_know_their_public_url_and_serve_at_the_root(tmp_path: Path) -> None:
    stack = resolved(tmp_path, PROJECT)
    grafana = service(stack, "grafana").environment["GF_SERVER_ROOT_URL"]
    assert grafana.rstrip("/") == "https://grafana.example.com"
    alertmanager = service(stack, "alertmanager").command
    assert "--web.external-url=https://ops.example.com/alertmanager/" in alertmanager
    assert "--web.route-prefix=/" in alertmanager
    assert "--web.external-url=http://localhost:9090/" in service(stack, "prometheus").command
