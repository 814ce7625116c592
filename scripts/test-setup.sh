#!/usr/bin/env bash
# Installs what the tests need beside Go and Node: a browser, a Chinese font,
# Python with the libraries that its client works with, and the packages of the
# web UI. What cannot be installed is a failure with
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

python() { python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; }

# The client needs none of these libraries; its tests that do are skipped without.
python_libraries() {
  local dir=bin/python want=clients/python/requirements-test.txt
  cmp -s "$want" "$dir/requirements" && return
  rm -rf "$dir"
  python3 -m venv "$dir" && "$dir/bin/pip" install --quiet --disable-pip-version-check -r "$want" && cp "$want" "$dir/requirements"
}

want=()
browser >/dev/null || want+=(chromium)
chinese_font || want+=(fontconfig fonts-noto-cjk)
python || want+=(python3 python3-venv)

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
if ! python; then
  missing+=("Python 3.9 or later with venv (python3-venv)")
elif ! python_libraries; then
  missing+=("the libraries of clients/python/requirements-test.txt")
fi
if [ ${#missing[@]} -gt 0 ]; then
  printf '******** missing: %s\n' "${missing[@]}" >&2
  if [ "${LEEWAY_REQUIRE:-}" = 1 ]; then
    echo "LEEWAY_REQUIRE=1 forbids going on without it; install it by hand: apt-get install ${want[*]}" >&2
    exit 1
  fi
  echo "******** the tests that need it will be SKIPPED" >&2
fi

scripts/ui-deps.sh
