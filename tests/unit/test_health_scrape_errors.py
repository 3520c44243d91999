"""Prometheus's lastError in plain words; the texts are what Prometheus 3.5 really said."""

import pytest

from obsctl.health.findings.causes import load_causes
from obsctl.health.judging.scrape_errors import diagnose

HOST = "http://host.docker.internal:3000/metrics"


TYPE_REFUSED = (
    'received unsupported Content-Type "text/html" and no fallback_scrape_protocol specified'
)
TYPE_BLANK = "non-compliant scrape target sending blank Content-Type and no fallback specified"
NO_STATUS = (
    f'Get "{HOST}": net/http: HTTP/1.x transport connection broken: malformed HTTP status code "x"'
)
NO_TRUST = f'Get "{HOST}": tls: failed to verify certificate: x509: signed by unknown authority'


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (f'Get "{HOST}": dial tcp 172.17.0.1:3000: connect: connection refused', "refused"),
        (f'Get "{HOST}": dial tcp: lookup x on 127.0.0.11:53: no such host', "name"),
        (f'Get "{HOST}": dial tcp: lookup x on 127.0.0.11:53: server misbehaving', "name"),
        (f'Get "{HOST}": dial tcp 10.1.1.1:3000: connect: no route to host', "no-route"),
        (f'Get "{HOST}": context deadline exceeded', "timeout"),
        (f'Get "{HOST}": dial tcp 10.1.1.1:3000: i/o timeout', "timeout"),
        (f'Get "{HOST}": EOF', "not-http"),
        (f'Get "{HOST}": read tcp 1.1.1.1:1->2.2.2.2:2: connection reset by peer', "not-http"),
        (NO_STATUS, "not-http"),
        ("server returned HTTP status 404 File not found", "path"),
        ("server returned HTTP status 401 Unauthorized", "credentials"),
        ("server returned HTTP status 500 Internal Server Error", "status"),
        (TYPE_REFUSED, "content-type"),
        (TYPE_BLANK, "content-type"),
        ('expected a valid start token, got "<" ("INVALID") while parsing: "<"', "not-metrics"),
        (f'Get "{HOST}": tls: first record does not look like a TLS handshake', "not-tls"),
        (f'Get "{HOST}": http: server gave HTTP response to HTTPS client', "not-tls"),
        (NO_TRUST, "certificate"),
        ("sample limit exceeded", "limit"),
        ("something new", "down"),
    ],
)
def test_diagnosis(error: str, code: str) -> None:
    diagnosis = diagnose(error, HOST)
    assert diagnosis.code == f"target-{code}"
    cause, fix = load_causes()[diagnosis.code].filled(
        subject="backend", project="shop", job="backend", **diagnosis.values
    )
    assert cause
    assert fix


def test_the_docker_host_is_called_so() -> None:
    refused = "dial tcp 172.17.0.1:3000: connect: connection refused"
    assert diagnose(refused, HOST).values["place"] == "port 3000 of the Docker host"
    other = diagnose(refused, "http://10.0.0.5:3000/metrics")
    assert other.values["place"] == "10.0.0.5:3000"


def test_values_name_status_type_and_port() -> None:
    found = diagnose("server returned HTTP status 503 Service Unavailable", "https://x/y")
    assert (found.values["status"], found.values["port"], found.values["path"]) == (
        "503",
        443,
        "/y",
    )
    html = diagnose('received unsupported Content-Type "text/html" and', HOST)
    assert html.values["type"] == "text/html"
