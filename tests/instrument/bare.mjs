// No Express at all: a plain server behind the same middleware, loaded as both kinds of modules.
import http from 'node:http';
import { createRequire } from 'node:module';
import process from 'node:process';
import { metricsEndpoint, metricsMiddleware } from './metrics.middleware.cjs';

createRequire(import.meta.url)('./metrics.middleware.cjs');

http
  .createServer((req, res) => {
    metricsMiddleware(req, res, () => {
      if (req.url === '/metrics') void metricsEndpoint(req, res);
      else res.end('plain');
    });
  })
  .listen(process.env.PORT, '127.0.0.1');
