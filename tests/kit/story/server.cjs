// A shop: the generated files, routers, a business, and errors on demand (POST /inject?share=12).
'use strict';

require('./instrument.cjs');
const net = require('node:net');
const process = require('node:process');
const express = require('express');
const metrics = require('./metrics.middleware.cjs');
const { errorMiddleware, flushErrors } = require('./errorReporter.cjs');
const { logger, requestLogger } = require('./logger.cjs');

let share = 0;
let count = 0;

// Orders that were read are kept in Redis for a while; its protocol as far as GET and SET need it.
const redis = net.connect(Number(process.env.REDIS_PORT), '127.0.0.1');
const waiting = [];
let rest = '';
redis.setEncoding('utf8');
redis.on('data', text => {
  const lines = (rest + text).split('\r\n');
  rest = lines.pop();
  // Values are numbers: a line that begins with `$` tells the length of one, or that there is none.
  for (const line of lines) if (!/^\$\d/.test(line)) waiting.shift()(line !== '$-1');
});
redis.on('error', () => waiting.splice(0).forEach(answer => answer(false)));
const ask = command =>
  new Promise(resolve => {
    waiting.push(resolve);
    redis.write(`${command}\r\n`);
  });

const app = express();
app.use(metrics.metricsMiddleware);
app.use(requestLogger);
app.get('/metrics', metrics.metricsEndpoint);
app.get('/health', (_req, res) => res.json({ status: 'ok' }));
app.post('/inject', (req, res) => {
  share = Number(req.query.share);
  count = 0;
  res.json({ share });
});

const shop = express.Router();
shop.get('/orders/:id', async (req, res) => {
  count += 1;
  // Evenly: of any 100 requests in a row, `share` fail.
  if (Math.floor((count * share) / 100) > Math.floor(((count - 1) * share) / 100)) {
    throw new Error('the order cannot be read');
  }
  const number = Number(req.params.id) % 100;
  const isKept = await ask(`GET order:${number}`);
  metrics.cacheRequestsTotal.inc({ result: isKept ? 'hit' : 'miss' });
  if (!isKept) {
    const end = metrics.dbQueryDuration.startTimer({ operation: 'find', collection: 'orders' });
    await ask(`SET order:${number} ${number} PX ${5000 + 200 * number}`); // not all at once
    end();
  }
  metrics.transactionsTotal.inc({ type: 'sale' });
  metrics.revenueTotal.inc({ currency: 'SAR' }, 12.5);
  metrics.activeUsers.set(1 + (count % 50));
  res.json({ id: req.params.id });
});
app.use('/api', shop);

app.use(metrics.metricsErrorMiddleware, errorMiddleware);
app.use((_error, _req, res, next) => {
  if (res.headersSent) next(_error);
  else res.status(500).json({ error: 'it did not work' });
});

const stop = async () => {
  await Promise.all([logger.flush(), flushErrors()]);
  process.exit(0);
};
process.once('SIGTERM', stop);
process.once('SIGINT', stop);
for (const host of (process.env.BIND || '127.0.0.1').split(',')) {
  app.listen(Number(process.env.PORT), host);
}
