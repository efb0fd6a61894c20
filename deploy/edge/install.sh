#!/usr/bin/env bash
# Installs the gateway on this box, or brings it up to the version of this bundle. Run it as root from an unpacked
# bundle (deploy/edge/bundle.sh makes one); nothing is downloaded. Running it again does no harm.
#
#   install.sh [--site FILE]        put FILE at /etc/dayuan/edge/site.toml, if there is none yet
#              [--no-start]         only install; whoever runs the services starts it
#              [--service COMMAND]  COMMAND start|stop|restart|is-active UNIT, on a box without systemd
#              [--board-watchdog yes|no]   let systemd feed it (default: yes on a Raspberry Pi)
#              [--allow-downgrade]  also when it is older than what is installed
#              [--within TIME]      how long a new version may take to be healthy (default 90s)
#   install.sh --judge              at the start of a machine that stopped in the middle of an upgrade
#
# An upgrade keeps site file, keys and backlog. When the new version is not healthy in time, the old one goes on.
set -euo pipefail

script=install
name=edge program=dayuan-edge user=dayuan-edge groups=dialout
units="dayuan-edge.service dayuan-edge-page.service"
bundle=$(cd "$(dirname "$0")" && pwd)
site='' no_start='' allow_downgrade='' board_watchdog='' judging='' asked='' service_command='' within='' patience=180s
while [ $# -gt 0 ]; do
    case $1 in
        --site) site=$2; shift ;;
        --no-start) no_start=1 ;;
        --service) service_command=$2; shift ;;
        --board-watchdog) board_watchdog=$2; shift ;;
        --within) within=$2; shift ;;
        --allow-downgrade) allow_downgrade=1 ;;
        --judge) judging=1 ;;
        *) sed -n '2,15s/^# \{0,1\}//p' "$0"; exit 2 ;;
    esac
    shift
done
if [ -n "$judging" ]; then within=${within:-$patience}; else within=${within:-90s}; fi
# shellcheck source=deploy/releases.sh
. "$bundle/releases.sh"

healthy() {
    local said
    if said=$(as_user "$home/current/bin/dayuan-edge" health "$etc/site.toml" --within "$within" ${asked:+"$asked"} 2>&1); then
        return 0
    fi
    printf '%s\n' "$said" | sed 's/^/    /'
    return 1
}

put_site_file() {
    if [ ! -e "$etc/site.toml" ]; then
        install -m 0640 -o root -g "$user" "${site:-$bundle/site.toml}" "$etc/site.toml"
        step "$etc/site.toml: written${site:+ from $site}"
    elif [ -n "$site" ] && ! cmp -s "$site" "$etc/site.toml"; then
        step "$etc/site.toml: there already, and kept; $site is something else"
    fi
}

serial_hints() {
    local link port
    for link in /dev/serial/by-id/*; do
        [ -L "$link" ] || continue
        port=$(readlink -f "$link")
        if grep -qs "^[^#]*port *= *\"$port\"" "$etc/site.toml"; then
            step "hint: $port may have another number after the next start; write port = \"$link\""
        fi
    done
}

feed_board_watchdog() {
    local from=/etc/systemd/system.conf.d/dayuan-watchdog.conf
    if [ -z "$board_watchdog" ] && grep -qs "Raspberry Pi" /proc/device-tree/model; then board_watchdog=yes; fi
    case $board_watchdog in
        yes) put_file "$bundle/board-watchdog.conf" "$from" ;;
        no) [ ! -e "$from" ] || { rm -f "$from"; step "$from: removed"; } ;;
    esac
}

need_root
case $board_watchdog in yes|no|'') ;; *) die "--board-watchdog $board_watchdog: yes or no" 2 ;; esac
echo "Gateway:"
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
put_site_file
put_file "$bundle/journald.conf" /etc/systemd/journald.conf.d/dayuan.conf
put_file "$bundle/serial.rules" /etc/udev/rules.d/70-dayuan-serial.rules
feed_board_watchdog
serial_hints

if ! said=$(as_user "$release/bin/dayuan-edge" check "$etc/site.toml" 2>&1); then
    printf '%s\n' "$said" | sed 's/^/    /'
    [ -z "$old" ] || die "this version does not take the site file; ${old##*/} goes on running. Nothing was changed."
    switch_to "$release"
    step "put that right, then: dayuan-edge check $etc/site.toml && systemctl enable --now dayuan-edge"
    start_all enable || true
    exit 0
fi
printf '%s\n' "$said" | sed 's/^/    /'
if grep -q 'change-me' "$etc/site.toml" && ! service is-active; then
    switch_to "$release"
    step "$etc/site.toml still says change-me; write your site there (dayuan-edge scan finds devices),"
    step "then: dayuan-edge check $etc/site.toml && systemctl enable --now dayuan-edge dayuan-edge-page"
    exit 0
fi
if ! starts_services; then
    [ "$old" = "$release" ] || [ -z "$old" ] || point previous "$old"
    switch_to "$release"
    forget_old_releases
    step "installed and not started (no systemd here, or --no-start)"
    exit 0
fi
if [ -n "$old" ] && as_user "$home/current/bin/dayuan-edge" health "$etc/site.toml" --within 0s --online >/dev/null 2>&1; then
    asked=--online
fi
take_over "$old"
forget_old_releases
echo "Done. dayuan-edge status $etc/site.toml (as $user or root); the page: http://127.0.0.1:8088"
