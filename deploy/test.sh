#!/usr/bin/env bash
# deploy/test.sh [PYTEST OPTIONS]
# All tests, part by part, a few files beside each other: what runs whole systems, pages and proofs waits much of its time.
# Alone run those that judge how smooth a page is. With options: one plain run of pytest with them.
# Here properties are tried with the same examples each time; a plain run draws new ones.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

unset PYTHONDONTWRITEBYTECODE   # hundreds of processes are started: what they import is compiled once
pytest() { .venv/bin/python -m pytest "$@"; }

if [ "$#" -gt 0 ]; then
    pytest "$@"
    exit
fi

whole=(tests/system tests/browser tests/proof)
smooth=(tests/browser/test_smooth.py tests/browser/test_dispatch_smooth.py)
cores=$(nproc)
failed=()
part() { # part TITLE FILES-AT-A-TIME PYTEST ARGUMENTS
    local at_once=()
    [ "$2" -eq 1 ] || at_once=(-n "$2" --dist loadfile)
    echo "$1, $2 at a time"
    pytest -q --hypothesis-profile=ci "${at_once[@]}" "${@:3}" || failed+=("$1 ($?)")
}
part "Tests of single parts" $((cores + 1)) "${whole[@]/#/--ignore=}"
part "Whole systems" "$cores" tests/system
part "Pages" "$cores" tests/browser "${smooth[@]/#/--ignore=}"
part "Smooth pages" 1 "${smooth[@]}"
part "Proofs" $((cores + 1)) tests/proof --durations=25 --durations-min=2
[ "${#failed[@]}" -eq 0 ] || printf 'test: failed: %s\n' "${failed[@]}" >&2
[ "${#failed[@]}" -eq 0 ]
