#!/usr/bin/env bash
# Checks that the tools that a build needs are here, and says how to get them.
#   scripts/need.sh go node
set -u
missing=0
say() {
  printf 'leeway: %s\n' "$*" >&2
  missing=1
}
for tool in "$@"; do
  case $tool in
    go)
      # An older go fetches the toolchain that go.mod names, by itself.
      command -v go >/dev/null || say "Go 1.26 or later is needed: https://go.dev/doc/install"
      ;;
    node)
      if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        say "Node.js 20.19 or later with npm is needed for the web UI: https://nodejs.org/en/download" \
          "(\`make binary\` builds Leeway without its pages)"
      elif ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'; then
        say "Node.js 20.19 or later is needed; this is $(node --version)"
      fi
      ;;
  esac
done
exit "$missing"
