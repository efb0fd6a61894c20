#!/usr/bin/env bash
# Every static check. All of them run, also when one fails; the last lines name what failed.
# shellcheck disable=SC2317,SC2329  # the functions are called through check
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

failed=()
check() {  # check NAME COMMAND...
    local name=$1 started=$SECONDS output
    shift
    if output=$("$@" 2>&1); then
        printf 'ok    %s (%s s)\n' "$name" $((SECONDS - started))
    else
        printf '%s\nFAIL  %s\n' "$output" "$name"
        failed+=("$name")
    fi
}

page_types() {
    local tools=cloud/web/tools stamp
    stamp=$tools/node_modules/.dayuan-installed
    if ! cmp -s "$tools/package-lock.json" "$stamp"; then
        npm ci --prefix "$tools" --no-audit --no-fund --ignore-scripts --loglevel=error || return 1
        cp "$tools/package-lock.json" "$stamp"
    fi
    "$tools/node_modules/.bin/tsc" --noEmit --project "$tools/tsconfig.json"
}

shell_scripts() {
    git ls-files --cached --others --exclude-standard -z -- '*.sh' .ci/run | xargs -0 shellcheck --severity=style
}

check "ruff" .venv/bin/python -m ruff check .
check "mypy, strict: edge cloud protocols simulators" .venv/bin/python -m mypy
check "types of the pages' JavaScript" page_types
check "shellcheck" shell_scripts

[ ${#failed[@]} -eq 0 ] && exit 0
printf 'lint: failed: %s\n' "${failed[@]}" >&2
exit 1
