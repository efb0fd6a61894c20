#!/usr/bin/env bash
# Takes the gateway's program off this box. Site file, keys and the readings that wait stay, for the next install;
# decommission.sh erases those too.
#
#   uninstall.sh [--service COMMAND]
set -euo pipefail

script=uninstall
name=edge program=dayuan-edge user=dayuan-edge
units="dayuan-edge.service dayuan-edge-page.service"
bundle=$(cd "$(dirname "$0")" && pwd)
service_command='' no_start=''
while [ $# -gt 0 ]; do
    case $1 in
        --service) service_command=$2; shift ;;
        *) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 2 ;;
    esac
    shift
done
# shellcheck source=deploy/releases.sh
. "$bundle/releases.sh"

need_root
echo "Gateway, uninstall:"
start_all stop || true
start_all disable || true
service disable "$judge" || true
for unit in $units $judge; do rm -f "/etc/systemd/system/$unit"; done
rm -f /etc/systemd/system.conf.d/dayuan-watchdog.conf /etc/systemd/journald.conf.d/dayuan.conf /etc/udev/rules.d/70-dayuan-serial.rules
[ "$(readlink "/usr/local/bin/$program" || true)" != "$home/current/bin/$program" ] || rm -f "/usr/local/bin/$program"
rm -rf "$home"
if rmdir /opt/dayuan 2>/dev/null; then rm -f /usr/local/sbin/dayuan-upgrade; fi
service reload
step "program and services: removed"
step "kept: $etc (site file, secrets) and $data (readings that wait, keys)"
