"""The middleware that the requirements began with, run: why the generated one is another."""

from collections.abc import Mapping
from pathlib import Path

from tests.instrument.conftest import StartApp
from tests.instrument.running import until

# In the words of the requirements; `await` is what its endpoint lacks since prom-client 13.
MIDDLEWARE = """\
const promClient = require('prom-client');

const httpRequestTotal = new promClient.Counter({
  name: 'http_requests_total',
  help: 'Total number of HTTP requests',
  labelNames: ['method', 'route', 'status_code'],
});

const metricsMiddleware = (req, res, next) => {
  res.on('finish', () => {
    httpRequestTotal.labels(req.method, req.route?.path || req.path, res.statusCode).inc();
  });
  next();
};

const metricsEndpoint = async (req, res) => {
  res.set('Content-Type', promClient.register.contentType);
  res.end(AWAIT promClient.register.metrics());
};

module.exports = { metricsMiddleware, metricsEndpoint };
"""
APP = """\
const express = require('express');
const { metricsMiddleware, metricsEndpoint } = require('./FIRST');

const app = express();
app.use(metricsMiddleware);
app.get('/metrics', metricsEndpoint);
app.get('/ok', (req, res) => res.send('ok'));
app.get('/hang', () => {});
const shop = express.Router();
shop.get('/:id', (req, res) => res.send('one'));
app.use('/orders', shop);
app.use('/users', shop);
app.listen(process.env.PORT, '127.0.0.1');
"""
PATHS = 300


def write(directory: Path, name: str, *, awaits: bool) -> str:
    text = MIDDLEWARE.replace("AWAIT", "await" if awaits else "")
    (directory / f"{name}.js").write_text(text)
    app = directory / f"{name}-app.js"
    app.write_text(APP.replace("FIRST", name))
    return app.name


def routes(samples: Mapping[frozenset[tuple[str, str]], float]) -> set[str]:
    return {dict(labels)["route"] for labels in samples}


def test_its_endpoint_gives_no_metrics(express_directory: Path, start_app: StartApp) -> None:
    app = start_app(write(express_directory, "first", awaits=False))
    status, text = app.get("/metrics")
    assert status != 200
    assert "http_requests_total" not in text


def test_its_series_explode_merge_and_miss(express_directory: Path, start_app: StartApp) -> None:
    first = start_app(write(express_directory, "repaired", awaits=True))
    ours = start_app("edges.cjs")
    for app in (first, ours):
        for n in range(PATHS):
            app.get(f"/random/{n}")
        app.abandon("/hang")
    name = "http_requests_total"
    until(lambda: any(("status_code", "499") in labels for labels in ours.samples(name)), "ours")
    assert len(routes(first.samples(name))) >= PATHS
    assert len([route for route in routes(ours.samples(name)) if "random" in route]) == 0
    # A client that hung up is in no series, and two routers share one.
    assert "/hang" not in routes(first.samples(name))
    first.get("/orders/1")
    first.get("/users/1")
    assert "/:id" in routes(first.samples(name))
    assert not {"/orders/:id", "/users/:id"} & routes(first.samples(name))
