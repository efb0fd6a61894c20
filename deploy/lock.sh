#!/usr/bin/env bash
# Writes deploy/locks/*.txt from pyproject.toml: every package with its version and the hashes of its files,
# for all platforms and Python 3.11 and up. Newest versions with `deploy/lock.sh --upgrade`.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=$(command -v uv || true)
[ -n "$uv" ] || uv=.venv/bin/uv
if [ ! -x "$uv" ]; then
    [ -x .venv/bin/python ] || { echo "lock: needs uv, or a .venv to put it in (run: make venv)" >&2; exit 1; }
    .venv/bin/python -m pip install --quiet --disable-pip-version-check uv
fi

lock() {  # lock NAME EXTRA...
    local name=$1 extra options=()
    shift
    for extra in "$@"; do options+=(--extra "$extra"); done
    "$uv" pip compile pyproject.toml --group build "${options[@]}" "${upgrade[@]}" --quiet \
        --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
        --no-header --no-emit-index-url --no-emit-find-links --no-config \
        --output-file "deploy/locks/$name.txt" >/dev/null
    echo "deploy/locks/$name.txt  $(grep -c '==' "deploy/locks/$name.txt") packages"
}

upgrade=("$@")
lock edge edge
lock cloud cloud
lock demo sim
lock test dev influx
