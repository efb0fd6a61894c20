#!/usr/bin/env bash
# Takes the collector's program off this machine. Settings and data stay, for the next install.
#
#   uninstall.sh [--service COMMAND]
set -euo pipefail

script=uninstall
name=collector program=dayuan-cloud user=dayuan-collector
units="dayuan-collector.service"
bundle=$(cd "$(dirname "$0")" && pwd)
service_command='' no_start=''
while [ $# -gt 0 ]; do
    case $1 in
        --service) service_command=$2; shift ;;
        *) sed -n '2,4s/^# \{0,1\}//p' "$0"; exit 2 ;;
    esac
    shift
done
# shellcheck source=deploy/releases.sh
. "$bundle/releases.sh"

need_root
echo "Collector, uninstall:"
start_all stop || true
start_all disable || true
service disable "$judge" || true
for unit in $units $judge; do rm -f "/etc/systemd/system/$unit"; done
[ "$(readlink "/usr/local/bin/$program" || true)" != "$home/current/bin/$program" ] || rm -f "/usr/local/bin/$program"
rm -rf "$home"
if rmdir /opt/dayuan 2>/dev/null; then rm -f /usr/local/sbin/dayuan-upgrade; fi
service reload
step "program and services: removed"
step "kept: $etc (settings, secrets) and $data (registry, readings)"
