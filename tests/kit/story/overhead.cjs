// One route, with or without the generated code around it ($MONITORED=1): what does it cost?
'use strict';

const process = require('node:process');

const monitored = process.env.MONITORED === '1';
if (monitored) require('./instrument.cjs');
const express = require('express');

const app = express();
if (monitored) {
  const { metricsMiddleware, metricsEndpoint } = require('./metrics.middleware.cjs');
  const { requestLogger } = require('./logger.cjs');
  app.use(metricsMiddleware);
  app.use(requestLogger);
  app.get('/metrics', metricsEndpoint);
}
app.get('/orders/:id', (req, res) => {
  if (req.params.id === 'broken') throw new Error('broken');
  res.json({ id: req.params.id });
});
if (monitored) {
  app.use(require('./metrics.middleware.cjs').metricsErrorMiddleware);
  app.use(require('./errorReporter.cjs').errorMiddleware);
}
app.use((error, _req, res, next) => {
  if (res.headersSent) next(error);
  else res.status(500).json({});
});
app.listen(Number(process.env.PORT), '127.0.0.1');
