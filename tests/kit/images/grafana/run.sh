#!/bin/sh
exec python3 /opt/standin/grafana_server.py "$@"
