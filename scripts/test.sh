#!/usr/bin/env bash
# Runs all tests, one suite after the other, and counts them. A failing suite
# does not keep the others from running; the last line is the count.
set -uo pipefail
cd "$(dirname "$0")/.."

results=$PWD/bin/test-results
rm -rf "$results"
mkdir -p "$results"
step() { scripts/step.sh "$@"; }
failed() { bin/testsum fail -out "$results/step-$1.json" "$2"; }

go build -o bin/testsum ./scripts/testsum || exit 1

ui_types() { (cd ui && npm run --silent typecheck); }
ui_unit() {
  local status=0
  (cd ui && npx vitest run --passWithNoTests --reporter=default --reporter=json --outputFile.json="$results/vitest-report.json") || status=$?
  bin/testsum vitest -in "$results/vitest-report.json" -out "$results/ui-unit.json" || return 1
  unexplained "$status" unit "vitest"
}
ui_browser() {
  local status=0
  if [ ! -f ui/e2e/all.mjs ]; then
    echo '{"tests":[{"name":"browser tests","status":"skipped","reason":"ui/e2e/all.mjs is missing"}]}' >"$results/e2e-report.json"
  else
    (cd ui && LEEWAY_BIN="$PWD/../bin/leeway" LEEWAY_E2E_REPORT="$results/e2e-report.json" npm run --silent e2e:all) || status=$?
  fi
  bin/testsum e2e -in "$results/e2e-report.json" -out "$results/browser.json" || return 1
  unexplained "$status" browser "the browser run"
}
python_client() {
  local status=0 python=bin/python/bin/python3
  [ -f bin/python/requirements ] || python=python3
  if ! command -v "$python" >/dev/null; then
    echo '{"tests":[{"name":"tests of the Python client","status":"skipped","reason":"there is no python3"}]}' >"$results/python-report.json"
  else
    LEEWAY_BIN="$PWD/bin/leeway" "$python" clients/python/tests/run.py "$results/python-report.json" || status=$?
  fi
  bin/testsum python -in "$results/python-report.json" -out "$results/python.json" || return 1
  unexplained "$status" python "the tests of the Python client"
}
# npm packages hold Go files too; they are not ours.
go_tests() {
  local packages
  packages=$(go list ./... | grep -v /node_modules/) || return 1
  # Two packages at a time: many tests fsync and start servers.
  # shellcheck disable=SC2086
  bin/testsum go -out "$results/go.json" -- -p 2 -timeout 20m $packages
}
# A tool that fails while all its tests passed has failed by itself.
unexplained() {
  [ "$1" -eq 0 ] || { failed "$2" "$3 ended with status $1 though its tests passed"; return 1; }
}
export -f failed unexplained ui_types ui_unit ui_browser python_client go_tests
export results

step "types of the web UI" bash -c ui_types || failed types "types of the web UI"
step "unit tests of the web UI" bash -c ui_unit || [ -f "$results/ui-unit.json" ] || failed unit "unit tests of the web UI left no report"
step "browser tests" bash -c ui_browser || [ -f "$results/browser.json" ] || failed browser "browser tests left no report"
step "tests of the Python client" bash -c python_client || [ -f "$results/python.json" ] || failed python "the tests of the Python client left no report"
step "go test" bash -c go_tests || [ -f "$results/go.json" ] || failed go "go test did not run"

echo
summaries=()
for name in step-types step-unit step-browser step-python step-go ui-unit browser python go; do
  [ -f "$results/$name.json" ] && summaries+=("$results/$name.json")
done
bin/testsum total "${summaries[@]}" | tee "$results/total.txt"
exit "${PIPESTATUS[0]}"
