// An Express app with every kind of route and failure; $EXPRESS is the package's name.
'use strict';

require('./instrument.cjs');
const process = require('node:process');
const express = require(process.env.EXPRESS || 'express');
const metrics = require('./metrics.middleware.cjs');
const { errorMiddleware, reportError, reportMessage } = require('./errorReporter.cjs');
const { logger, requestLogger } = require('./logger.cjs');

const app = express();
app.use(metrics.metricsMiddleware);
app.use(requestLogger);
app.get('/metrics', metrics.metricsEndpoint);
app.get('/ok', (_req, res) => res.send('ok'));
app.get('/users/:id', (req, res) => {
  if (req.params.id === '13') throw new Error('no user 13');
  res.send(req.params.id);
});
app.get(['/a', '/b/:z'], (_req, res) => res.send('either'));

const things = express.Router();
things.get('/', (_req, res) => res.send('root'));
things.get('/things', (_req, res) => res.send('things'));
things.get('/things/:id', (_req, _res, next) => next(new Error('no thing')));
app.use('/tenants/:tenant/api', things);
app.use(/^\/rx\d+/, things);

const admin = express();
admin.get('/deep/:x', (_req, res) => res.send('deep'));
admin.use('/n/:y', things);
app.use('/admin', admin);

app.get('/late', (_req, res, next) => {
  res.write('begun');
  next(new Error('too late'));
});
app.get('/hang', () => {});
app.get('/stream', (_req, res) => res.write('begun'));
app.get('/reported', (_req, res) => {
  const error = Object.assign(new Error('reported by hand'), { severity: 'warning' });
  res.json([reportError(error, { order: 7 }), reportMessage('told by hand', 'nonsense')]);
});
app.get('/query', async (_req, res) => {
  const end = metrics.dbQueryDuration.startTimer({ operation: 'find', collection: 'orders' });
  end();
  res.send('queried');
});
app.get('/log', (req, res) => {
  const circle = {};
  circle.self = circle;
  logger.info('a plain line', { labels: { trial: req.query.trial } });
  logger.info('a circle', { circle });
  logger.info('a large number', { labels: { n: 10n } });
  logger.error('an error', { err: new TypeError('of some type') });
  logger.warn(`long ${'x'.repeat(200_000)}`);
  logger.debug('not shown');
  res.json(logger.stats());
});
app.get('/flood', (req, res) => {
  for (let n = 0; n < Number(req.query.lines); n += 1) logger.info(`line ${n} ${'y'.repeat(200)}`);
  res.json(logger.stats());
});
app.get('/stats', (_req, res) => res.json(logger.stats()));
app.use(metrics.metricsErrorMiddleware, errorMiddleware);

if (process.env.METRICS_PORT) metrics.startMetricsServer({ port: process.env.METRICS_PORT, app });
process.once('SIGTERM', async () => {
  await logger.flush();
  process.exit(0);
});
app.listen(process.env.PORT, '127.0.0.1');
