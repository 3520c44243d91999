#!/bin/bash
set -e
if [[ "$1" == eswrapper || "$1" == elasticsearch || "${1:0:1}" == "-" ]]; then
  exec python3 /opt/standin/es_server.py "$@"
fi
exec "$@"
