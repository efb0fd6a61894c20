#!/usr/bin/env bash
# Ends the life of this box as a gateway: takes the program off, then erases site file, keys, certificates, and every
# reading and card key that waits here. Asks for the gateway's id first. Prints a record of what was erased.
#
#   decommission.sh [--yes SITE/GATEWAY] [--record FILE] [--service COMMAND]
#
# Files are written over before they are removed. A memory card may still hold older copies in blocks it no longer
# shows: where that matters, destroy the card, or use one that is encrypted. Revoke the gateway at the collector too.
set -euo pipefail

script=decommission
# shellcheck disable=SC2034  # read by releases.sh
name=edge program=dayuan-edge user=dayuan-edge units=''
bundle=$(cd "$(dirname "$0")" && pwd)
service_command='' no_start='' yes='' record=''
passed_on=()
while [ $# -gt 0 ]; do
    case $1 in
        --yes) yes=$2; shift ;;
        --record) record=$2; shift ;;
        --service) service_command=$2; passed_on=(--service "$2"); shift ;;
        *) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2 ;;
    esac
    shift
done
# shellcheck source=deploy/releases.sh
. "$bundle/releases.sh"

need_root
in_site_file() {
    [ -r "$etc/site.toml" ] || return 0
    sed -n '/^\[gateway\]/,/^\[[^g]/s/^ *'"$1"' *= *"\([a-z0-9-]*\)".*/\1/p' "$etc/site.toml" | head -n 1
}
gateway=$(in_site_file site)/$(in_site_file id)
[ "$gateway" != / ] || gateway=unknown/unknown
waiting=$( (find "$data" -name '*.db' -size +0 2>/dev/null || true) | head -n 1)
echo "This erases the gateway $gateway from this box: site file, keys${waiting:+, and readings that no collector may have yet}."
if [ -z "$yes" ]; then
    [ -t 0 ] || die "not at a terminal; say --yes $gateway" 2
    read -r -p "Type $gateway to go on: " yes
fi
[ "$yes" = "$gateway" ] || die "that is not $gateway. Nothing was erased." 2

"$bundle/uninstall.sh" "${passed_on[@]}"
mapfile -d '' -t files < <(find "$etc" "$data" -xdev -type f -print0 2>/dev/null)
{
    echo "decommissioned: $gateway"
    echo "at: $(date -u +%Y-%m-%dT%H:%M:%SZ)  on: $(cat /etc/machine-id 2>/dev/null || uname -n)"
    for file in "${files[@]}"; do printf 'erased: %s (%s bytes)\n' "$file" "$(stat -c %s "$file")"; done
} >"${record:-/dev/stdout}"
for file in "${files[@]}"; do shred --force --iterations=1 --zero --remove=wipesync "$file"; done
rm -rf "$etc" "$data"
rmdir /etc/dayuan 2>/dev/null || true
sync
left=$( (find "$etc" "$data" -type f 2>/dev/null || true) | wc -l)
[ "$left" -eq 0 ] || die "$left files could not be erased"
if getent passwd "$user" >/dev/null; then userdel "$user" >/dev/null 2>&1 || step "user $user: could not be removed"; fi
echo "Erased ${#files[@]} files."
