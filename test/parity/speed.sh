#!/usr/bin/env bash
# Compares the speed of profiling with whylogs and Evidently, on the same rows
# and the same machine.
#
#     PYTHON=/tmp/parity/bin/python test/parity/speed.sh
#
# QUIET is a command that runs another one while the machine is quiet.
set -euo pipefail
cd "$(dirname "$0")"
rows=$(mktemp -d)
trap 'rm -rf "$rows"' EXIT
"${PYTHON:-python3}" speed_rows.py "$rows"
go test -c -o "$rows/speed.test" .
LEEWAY_ROWS=$rows ${QUIET:-} "$rows/speed.test" -test.run '^$' -test.bench . -test.benchtime 2s -test.count 3 -test.cpu 1 | tee "$rows/go.txt"
leeway=$(awk '
	/^cpu:/ { sub(/^cpu: /, ""); cpu = $0 }
	/^Benchmark/ { sub(/^Benchmark/, "", $1); k = tolower($1); if (!(k in s) || $3 < s[k]) s[k] = $3 }
	END { printf "{\"cpu\": \"%s\", \"go\": \"'"$(go env GOVERSION)"'\", \"profile\": %g, \"drift\": %g}", cpu, s["profile"] / 1e9, s["drift"] / 1e9 }
' "$rows/go.txt")
${QUIET:-} "${PYTHON:-python3}" speed.py "$rows" "$leeway"
