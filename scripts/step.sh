#!/usr/bin/env bash
# Runs one named step: says what begins, and how long it took.
#   scripts/step.sh "build the web UI" npm run build
set -u
name=$1
shift
printf '\n==> %s\n' "$name"
start=$SECONDS
status=0
"$@" || status=$?
if [ "$status" -eq 0 ]; then
  printf '<== %s: %d s\n' "$name" $((SECONDS - start))
else
  printf '<== %s: FAILED with status %d after %d s\n' "$name" "$status" $((SECONDS - start))
fi
if [ -n "${LEEWAY_TIMINGS:-}" ]; then
  printf '%5d s  %s\n' $((SECONDS - start)) "$name" >>"$LEEWAY_TIMINGS"
fi
exit "$status"
