#!/usr/bin/env bash
# Installs what the tests need beside Go and Node: a browser, a Chinese font,
# and the packages of the web UI. What cannot be installed is a failure with
# LEEWAY_REQUIRE=1, and named aloud elsewhere: the tests skip it.
set -euo pipefail
cd "$(dirname "$0")/.."

browser() {
  [ -n "${LEEWAY_CHROMIUM:-}" ] && [ -x "$LEEWAY_CHROMIUM" ] && return
  command -v chromium || command -v chromium-browser || command -v google-chrome
}

chinese_font() {
  command -v fc-list >/dev/null && [ -n "$(fc-list :lang=zh family)" ]
}

want=()
browser >/dev/null || want+=(chromium)
chinese_font || want+=(fontconfig fonts-noto-cjk)

if [ ${#want[@]} -gt 0 ]; then
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
  if command -v apt-get >/dev/null && "${as_root[@]}" true 2>/dev/null; then
    echo "installing ${want[*]}"
    "${as_root[@]}" apt-get update -qq || true
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "${want[@]}" >/dev/null || true
  fi
fi

missing=()
browser >/dev/null || missing+=("a browser (chromium)")
chinese_font || missing+=("a Chinese font (fonts-noto-cjk)")
if [ ${#missing[@]} -gt 0 ]; then
  printf '******** missing: %s\n' "${missing[@]}" >&2
  if [ "${LEEWAY_REQUIRE:-}" = 1 ]; then
    echo "LEEWAY_REQUIRE=1 forbids going on without it; install it by hand: apt-get install ${want[*]}" >&2
    exit 1
  fi
  echo "******** the tests that need it will be SKIPPED" >&2
fi

scripts/ui-deps.sh
