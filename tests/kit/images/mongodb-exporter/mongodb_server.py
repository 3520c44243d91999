"""The mongodb_exporter stand-in: flags, variables and the scrape endpoint."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from mongodb_metrics import collect, exposition
from mongodb_web import WebAccess, WebError
from mongodb_wire import WireError, hello
from standin import PROMETHEUS_TEXT, App, Faults, Request, Response, fail, log, serve

VERSION = "0.53.0"
URI = re.compile(r"mongodb(?:\+srv)?://(?:([^@/]*)@)?([^/?]+)")
SWITCHES = re.compile(
    r"(no-)?(mongodb\.(direct-connect|global-conn-pool)|collector\.\w+|collect-all|compatible-mode"
    r"|discovering-mode|split-cluster|metrics\.overridedescendingindex|version)"
)
VALUES = re.compile(
    r"mongodb\.(uri|user|password|collstats-colls|indexstats-colls|connect-timeout-ms)"
    r"|web\.(listen-address|telemetry-path|config|timeout-offset)|log\.(level|format)"
    r"|collector\.(collstats-limit|profile-time-ts|collstats-enable-details|currentopmetrics"
    r"-slow-time)|mongodb\.collstats-limit"
)

ATTRIBUTES = {
    "mongodb.uri": "uri", "web.listen-address": "address", "web.telemetry-path": "path",
    "web.config": "web",
}  # fmt: skip


class FlagError(Exception):
    """A flag that the exporter does not have."""


@dataclass
class Options:
    """What the exporter was asked to do."""

    uri: str = ""
    address: str = ":9216"
    path: str = "/metrics"
    web: str = ""
    collectors: set[str] = field(default_factory=set)
    version: bool = False


def parse_flags(arguments: list[str], environment: Mapping[str, str]) -> Options:
    """Read flags and MONGODB_* variables; raise FlagError."""
    options = Options(uri=environment.get("MONGODB_URI", ""))
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.removeprefix("--").partition("=")
        if not argument.startswith("--"):
            raise FlagError(f"unexpected argument {argument}")
        if VALUES.fullmatch(name):
            value = value if equals else next(rest, "")
            if attribute := ATTRIBUTES.get(name):
                setattr(options, attribute, value)
        elif SWITCHES.fullmatch(name):
            if value != "false" and not name.startswith("no-"):
                options.collectors.add(name.removeprefix("collector."))
        else:
            raise FlagError(f"unknown flag --{name}")
    options.version = "version" in options.collectors
    return options


def server_of(uri: str) -> tuple[str, int]:
    """Return host and port of the first server of a URI, 27017 unless given."""
    match = URI.match(uri if "://" in uri else f"mongodb://{uri}")
    if not match:
        raise FlagError(f"error parsing uri: {uri!r}")
    host, _, port = match[2].split(",")[0].rpartition(":")
    return (host or port, int(port) if host and port.isdigit() else 27017)


class Exporter(App):
    """One scrape is one question to the server."""

    def __init__(self, options: Options, faults: Faults) -> None:
        super().__init__(faults)
        self.options = options
        self.access = WebAccess(options.web) if options.web else None
        page = f'<h1>MongoDB Exporter</h1><a href="{options.path}">Metrics</a>'
        self.route("GET", options.path, self.metrics)
        self.route("GET", "/scrape", self.metrics)
        self.route("GET", "/scrapeall", self.metrics)
        self.route("GET", "/", lambda _: Response(200, page, {"Content-Type": "text/html"}))

    def before(self, request: Request) -> Request:
        """Let in whoever may ask."""
        if self.access:
            self.access.check(request)
        return request

    def metrics(self, request: Request) -> Response:
        """Ask the server and answer its metrics."""
        answer = None
        try:
            host, port = server_of(request.arg("target") or self.options.uri)
            if not {"unhealthy", "refuse-password"} & set(self.faults.names):
                answer = hello(host, port)
        except (OSError, WireError, FlagError) as error:
            log(f'level=ERROR msg="Cannot connect to MongoDB" error="{error}"')
        text = exposition(collect(answer, self.options.collectors))
        text += f'mongodb_exporter_build_info{{version="{VERSION}"}} 1\n'
        return Response(200, text, {"Content-Type": PROMETHEUS_TEXT})


def main() -> None:
    """Run the exporter."""
    try:
        options = parse_flags(sys.argv[1:], os.environ)
        if options.version:
            return log(
                f"mongodb_exporter - MongoDB Prometheus exporter, version {VERSION} (stand-in)"
            )
        if not options.uri:
            log('level=WARN msg="no MongoDB URI was given"')
        server_of(options.uri or "localhost")
        exporter = Exporter(options, Faults.from_environment())
    except (FlagError, WebError) as error:
        fail(f"mongodb_exporter: error: {error}", 80)
    host, _, port = options.address.rpartition(":")
    log(f'level=INFO msg="Listening on" address={options.address}')
    return serve(exporter, host or "0.0.0.0", int(port))  # noqa: S104


if __name__ == "__main__":
    main()
