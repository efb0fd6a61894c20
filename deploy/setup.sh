#!/usr/bin/env bash
# deploy/setup.sh demo|test|edge|cloud
# Makes .venv and installs the packages of deploy/locks/<name>.txt into it, each checked against its hash, then the
# code of this checkout (editable). What is already right is left alone, so the second time takes no time.
# Needs Python 3.11 or newer (or PYTHON=/path/to/python3); no root, unless Debian's python3-venv is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

want=${1:-demo}
lock=deploy/locks/$want.txt
log=.venv/install.log
[ -f "$lock" ] || { echo "setup: no lock named $want; there are: $(cd deploy/locks && echo *.txt)" >&2; exit 2; }
trap 'echo; echo "setup: stopped. Run it again to go on." >&2; exit 130' INT

# Every lock is a subset of test.txt (a test holds this), so what satisfies one may satisfy another.
print_of() { { pwd; sha256sum <"$1"; sha256sum <pyproject.toml; } | sha256sum | cut -c1-32; }
installed() { [ -x .venv/bin/python ] && grep -qsx "$want $(print_of "$lock")" .venv/dayuan-installed; }

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    local name
    for name in ${PYTHON:+"$PYTHON"} python3 /usr/bin/python3 python3.13 python3.12 python3.11 python3.14; do
        if new_enough "$name"; then echo "$name"; return; fi
    done
    echo "setup: needs Python 3.11 or newer; python3 is $(python3 --version 2>&1 || true)." >&2
    echo "       On Debian 12 or newer: apt install python3 python3-venv. Or name one: PYTHON=/path/to/python3 make demo" >&2
    return 1
}

make_venv() {
    local python=$1
    echo "Making .venv with $("$python" --version)"
    if "$python" -c 'import ensurepip' >/dev/null 2>&1; then
        "$python" -m venv --clear .venv
    elif "$python" -m pip --version >/dev/null 2>&1; then
        "$python" -m venv --clear --without-pip .venv   # a system pip can fill it
    else
        deploy/debian.sh venv
        "$python" -m venv --clear .venv
    fi
}

pip() {
    if .venv/bin/python -c 'import pip' 2>/dev/null; then
        .venv/bin/python -m pip --disable-pip-version-check "$@"
    else
        "$python" -m pip --disable-pip-version-check --python .venv/bin/python "$@"
    fi
}

# Turns pip's flood into a line now and then.
calmly() {
    local total=$1 seen=0 line next=10
    while IFS= read -r line; do
        printf '%s\n' "$line" >>"$log"
        case $line in
            Collecting*|"Requirement already satisfied"*)
                seen=$((seen + 1))
                if [ "$seen" -ge "$next" ] && [ "$seen" -lt "$total" ]; then
                    echo "  fetched $seen of $total"
                    next=$((next + 10))
                fi ;;
            "Installing collected packages"*) echo "  unpacking" ;;
        esac
    done
}

failed() {
    echo "setup: $1 The end of $log:" >&2
    tail -n 15 "$log" | sed 's/^/    /' >&2
    exit 1
}

installed && exit 0
python=$(find_python)
mkdir -p .venv
exec 9>.venv.lock
flock 9 2>/dev/null || true   # a second setup at the same time waits for the first
installed && exit 0

if ! new_enough .venv/bin/python || ! pip --version >/dev/null 2>&1; then
    make_venv "$python"
fi
: >"$log"

total=$(grep -c '^[a-z0-9].*==' "$lock")
started=$SECONDS
echo "Installing $total packages from $lock (once)"
pip install --require-hashes --no-deps --only-binary :all: --progress-bar off -r "$lock" 2>&1 | calmly "$total" \
    || failed "the packages could not be installed (is there a network?)."
pip install --no-deps --no-build-isolation --no-index --editable . >>"$log" 2>&1 || failed "this checkout could not be installed."

# A collector that compiles what it imports starts three times slower, each time where bytecode may not be written.
.venv/bin/python -m compileall -q -j 0 .venv/lib edge cloud protocols simulators >>"$log" 2>&1 || true   # slower, not wrong

rm -f .venv/dayuan-installed
case $want in
    test) done_now="edge cloud demo test" ;;
    demo) done_now="edge cloud demo" ;;
    *) done_now=$want ;;
esac
for want in $done_now; do echo "$want $(print_of "deploy/locks/$want.txt")"; done >.venv/dayuan-installed
echo "Installed in $((SECONDS - started)) s"
