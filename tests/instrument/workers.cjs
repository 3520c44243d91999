// A cluster of two workers; the primary serves the metrics of both.
'use strict';

const cluster = require('node:cluster');
const process = require('node:process');
const { metricsEndpoint, metricsMiddleware, startMetricsServer } = require('./metrics.middleware.cjs');

if (cluster.isPrimary) {
  startMetricsServer({ port: Number(process.env.METRICS_PORT), host: '127.0.0.1' });
  cluster.fork();
  cluster.fork();
  process.once('SIGTERM', () => process.exit(0));
} else {
  const app = require('express')();
  app.use(metricsMiddleware);
  app.get('/metrics', metricsEndpoint);
  app.get('/ok', (_req, res) => res.send('ok'));
  app.listen(process.env.PORT, '127.0.0.1');
}
