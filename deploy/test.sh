#!/usr/bin/env bash
# deploy/test.sh [PYTEST OPTIONS]
# All tests: those of single parts beside each other, then whole systems, pages and proofs one after the other, as these
# need the machine for themselves. With options: one plain run of pytest with them.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

pytest() { .venv/bin/python -m pytest "$@"; }

if [ "$#" -gt 0 ]; then
    pytest "$@"
    exit
fi

alone=(tests/system tests/browser tests/proof)
workers=$(($(nproc) + 1))
echo "Tests of single parts, $workers at a time"
pytest -q -n "$workers" --dist loadfile "${alone[@]/#/--ignore=}"
parts=$?
echo "Whole systems, pages, proofs"
pytest -q "${alone[@]}"
systems=$?
[ "$parts" -eq 0 ] || echo "test: tests of single parts failed ($parts)" >&2
[ "$systems" -eq 0 ] || echo "test: whole systems, pages or proofs failed ($systems)" >&2
[ "$parts" -eq 0 ] && [ "$systems" -eq 0 ]
