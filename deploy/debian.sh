#!/usr/bin/env bash
# deploy/debian.sh PURPOSE...
# Installs the Debian packages that deploy/debian-packages.txt names for these purposes: only the missing ones, by
# apt-get, as root or through sudo. Prints nothing when all are there.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH=$PATH:/usr/sbin:/sbin

here() {  # here WHAT: a file, a Python module (python:NAME) or a program
    case $1 in
        /*) [ -e "$1" ] ;;
        python:*) python3 -c "import ${1#python:}" >/dev/null 2>&1 ;;
        *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

missing() {
    local package what purposes purpose wanted
    while read -r package what purposes; do
        case $package in ''|'#'*) continue ;; esac
        wanted=
        for purpose in "$@"; do
            case " ${purposes%%#*} " in *" $purpose "*) wanted=1 ;; esac
        done
        if [ -n "$wanted" ] && ! here "$what"; then echo "$package"; fi
    done <deploy/debian-packages.txt
}

mapfile -t packages < <(missing "$@")
[ ${#packages[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
    echo "debian: this system has no apt-get. Install what these Debian packages hold, then try again: ${packages[*]}" >&2
    exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
    as_root=()
elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
    as_root=(sudo)
else
    echo "debian: packages are missing, and this is neither root nor able to use sudo. Run this, then try again:" >&2
    echo "        apt-get install --no-install-recommends ${packages[*]}" >&2
    exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -qq \
        -o Acquire::Retries=3 -o DPkg::Lock::Timeout=180 "$@" >>"$log" 2>&1
}
echo "Installing from Debian: ${packages[*]}"
# An update may complain about one source and still be good enough; the install decides.
apt update || echo "  (apt-get update had errors)"
if ! apt install --no-install-recommends "${packages[@]}"; then
    echo "debian: apt-get failed. The end of what it said:" >&2
    tail -n 15 "$log" | sed 's/^/    /' >&2
    exit 1
fi
mapfile -t packages < <(missing "$@")
[ ${#packages[@]} -eq 0 ] || { echo "debian: installed, but still not found: ${packages[*]}" >&2; exit 1; }
