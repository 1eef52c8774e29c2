#!/bin/sh
# The monitor command with the configuration, the database and the secrets of the service; for root.
export MONITOR_CONFIG="${MONITOR_CONFIG:-/etc/monitor/feeds.toml}"
export STATE_DIRECTORY=/var/lib/monitor CREDENTIALS_DIRECTORY=/etc/monitor/credentials
exec /opt/monitor/.venv/bin/monitor "$@"
