#!/usr/bin/env bash
# Fails when a Go file is not formatted, naming each.
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.go')
bad=$(for f in "${files[@]}"; do [ -f "$f" ] && printf '%s\0' "$f"; done | xargs -0 gofmt -l)
if [ -n "$bad" ]; then
  printf 'not formatted, run make fmt:\n%s\n' "$bad"
  exit 1
fi
