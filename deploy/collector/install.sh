#!/usr/bin/env bash
# Installs the collector on this machine, or brings it up to the version of this bundle. Run it as root from an
# unpacked bundle (deploy/bundle.sh collector makes one); nothing is downloaded. Running it again does no harm.
#
#   install.sh [--settings FILE]    put FILE at /etc/dayuan/collector/cloud.toml, if there is none yet
#              [--no-start]         only install; whoever runs the services starts it
#              [--service COMMAND]  COMMAND start|stop|restart|is-active UNIT, on a machine without systemd
#              [--allow-downgrade]     also when it is older than what is installed
#              [--within SECONDS]   how long a new version may take to answer (default 120)
#   install.sh --judge              at the start of a machine that stopped in the middle of an upgrade
#
# An upgrade backs the data up first, beside it, for as long as the version is new: when it is not healthy in time, the
# old version goes on, with the data as it was when the registry has been brought to a newer form.
set -euo pipefail

script=install
name=collector program=dayuan-cloud user=dayuan-collector groups=''
units="dayuan-collector.service"
bundle=$(cd "$(dirname "$0")" && pwd)
settings='' no_start='' allow_downgrade='' judging='' asked='' service_command='' within='' patience=300
while [ $# -gt 0 ]; do
    case $1 in
        --settings) settings=$2; shift ;;
        --no-start) no_start=1 ;;
        --service) service_command=$2; shift ;;
        --within) within=$2; shift ;;
        --allow-downgrade) allow_downgrade=1 ;;
        --judge) judging=1 ;;
        *) sed -n '2,14s/^# \{0,1\}//p' "$0"; exit 2 ;;
    esac
    shift
done
if [ -n "$judging" ]; then within=${within:-$patience}; else within=${within:-120}; fi
# shellcheck source=deploy/releases.sh
. "$bundle/releases.sh"
file=$etc/cloud.toml

# Healthy: its page answers, and goes on doing so for some seconds.
healthy() {
    as_user "$home/current/bin/python" - "$file" "$within" <<'PYTHON'
import ssl, sys, time, urllib.error, urllib.request
from pathlib import Path
from cloud.settings import load_cloud
settings = load_cloud(Path(sys.argv[1]))
host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.listen.host, settings.listen.host)
shown = f"[{host}]" if ":" in host else host
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # asked by address, on this machine
url = f"{'https' if settings.https else 'http'}://{shown}:{settings.listen.port}/healthz"
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
end, good, wrong = time.monotonic() + float(sys.argv[2]), 0, ""
name = settings.hosts[0] if settings.hosts else f"{shown}:{settings.listen.port}"
while good < 3:
    try:
        with opener.open(urllib.request.Request(url, headers={"Host": name}), timeout=5) as answer:
            answer.read()
        good, wrong = good + 1, ""
    except (OSError, ValueError) as error:
        good, wrong = 0, f"{url}: {error}"
    if good < 3 and time.monotonic() > end:
        sys.exit(f"    {wrong or 'it does not go on answering'}")
    time.sleep(1)
PYTHON
}

kept_data() { echo "$data/before-${release##*/}.tar"; }

keep_data() {  # what the old version left, for the way back
    local kept
    for kept in "$data"/before-*.tar; do [ ! -e "$kept" ] || rm -f "$kept"; done
    [ -e "$data/registry.sqlite" ] || return 0
    before=$(kept_data)
    as_user "$home/current/bin/dayuan-cloud" backup "$before" --settings "$file" | sed 's/^/    /'
}

# Called when the old release is current again and about to start: a registry of a newer form is none it can read.
go_back() {
    local before
    before=$(kept_data)
    [ -e "$before" ] || return 0
    if as_user "$home/current/bin/dayuan-cloud" user list --settings "$file" >/dev/null 2>&1; then return 0; fi
    step "the registry is of a newer form now: putting back the one of before (gateways send again what came since)"
    as_user "$home/current/bin/dayuan-cloud" restore "$before" --settings "$file" --replace | sed 's/^/    /'
}

need_root
echo "Collector:"
[ -n "$judging" ] || overdue_verdict
take_turn
if [ -n "$judging" ]; then judge_now; exit; fi
verify_bundle
find_python
old=$(running_release)
refuse_downgrade "$old"
make_user
make_release
keep_upgrade
if [ ! -e "$file" ]; then
    install -m 0640 -o root -g "$user" "${settings:-$bundle/cloud.toml}" "$file"
    step "$file: written${settings:+ from $settings}"
elif [ -n "$settings" ] && ! cmp -s "$settings" "$file"; then
    step "$file: there already, and kept; $settings is something else"
fi
if ! said=$(as_user "$release/bin/dayuan-cloud" check "$file" 2>&1); then
    printf '%s\n' "$said" | sed 's/^/    /'
    [ -z "$old" ] || die "this version does not take the settings; ${old##*/} goes on running. Nothing was changed."
    switch_to "$release"
    die "put that right, then run this again" 1
fi
if ! starts_services; then
    [ "$old" = "$release" ] || [ -z "$old" ] || point previous "$old"
    switch_to "$release"
    forget_old_releases
    step "installed and not started (no systemd here, or --no-start)"
    exit 0
fi
if [ -n "$old" ] && [ "$old" != "$release" ]; then keep_data; fi
take_over "$old"
forget_old_releases
if [ -e "$data/one-time-password" ]; then step "the first administrator's one-time password: $data/one-time-password"; fi
echo "Done. The page: $(sed -n 's/^address *= *"\(.*\)".*/http:\/\/\1/p' "$file" | head -n 1)"
