#!/usr/bin/env bash
# Installs what package-lock.json pins, when it changed since the last time.
set -euo pipefail
cd "$(dirname "$0")/../ui"
stamp=node_modules/.leeway-lock
if [ -f "$stamp" ] && cmp -s package-lock.json "$stamp"; then
  echo "node_modules is up to date"
  exit 0
fi
npm ci --no-audit --no-fund
cp package-lock.json "$stamp"
