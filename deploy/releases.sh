# shellcheck shell=bash
# Sourced by edge/install.sh and collector/install.sh: puts releases beside each other under /opt, and points at one.
#
#   /opt/dayuan/NAME/releases/VERSION-HASH/   a Python environment of its own, never changed once it is complete
#   /opt/dayuan/NAME/current                  the one that runs; switching is one rename
#   /opt/dayuan/NAME/previous                 the one before, to go back to
#   /opt/dayuan/NAME/unjudged                 there from the switch to the verdict: the release that was healthy last,
#                                             and what `healthy` was to ask for. dayuan-NAME-judge.service finds it
#                                             after a power cut and gives the verdict that is missing.
#
# The script that sources this sets: name, program, user, groups, unit files (units), bundle (its folder),
# and for installing: within and patience, how long a release may take to be healthy, and asked, what `healthy` asks for.
# shellcheck disable=SC2154  # set by the script that sources this

home=/opt/dayuan/$name
etc=/etc/dayuan/$name
data=/var/lib/dayuan-$name
judge=dayuan-$name-judge.service

# Whoever looked on may be gone (a dropped SSH session): what has begun goes on to its end.
step() { printf '  %s\n' "$*" || true; }
die() {
    printf '%s: %s\n' "$script" "$1" >&2 || true
    exit "${2:-1}"
}

need_root() { [ "$(id -u)" -eq 0 ] || die "needs root; try: sudo $0" 2; }

# Who starts and stops the services: systemd where it runs, else what --service names, else nobody.
service() {  # service start|stop|restart|enable|disable|reload|is-active [UNIT]
    local does=$1 unit=${2:-dayuan-$name}
    if [ -n "$service_command" ]; then
        case $does in start|stop|restart|is-active) "$service_command" "$does" "$unit" 9>&- ;; esac
    elif [ -d /run/systemd/system ]; then
        case $does in
            reload) systemctl daemon-reload ;;
            enable|disable) systemctl --quiet "$does" "$unit" 2>/dev/null ;;
            is-active) systemctl --quiet is-active "$unit" ;;
            *) systemctl "$does" "$unit" ;;
        esac
    else
        [ "$does" != is-active ]
    fi
}
starts_services() { [ -z "$no_start" ] && { [ -n "$service_command" ] || [ -d /run/systemd/system ]; }; }

# One at a time; the verdict of a power cut is one of them.
take_turn() {
    install -d -m 0755 /opt/dayuan "$home"
    exec 9>"$home/.turn"
    flock --nonblock 9 || die "another installation is at work on this machine; try again when it has ended. Nothing was changed." 2
}

as_user() { setpriv --reuid "$user" --regid "$user" --init-groups --inh-caps=-all -- "$@"; }

verify_bundle() {
    [ -f "$bundle/SHA256SUMS" ] || die "$bundle is no bundle (no SHA256SUMS); make one with deploy/$name/bundle.sh" 2
    (cd "$bundle" && sha256sum --quiet --strict --check SHA256SUMS) ||
        die "the bundle is damaged; copy it again. Nothing was changed." 2
    version=$(cat "$bundle/VERSION")
    release=$home/releases/$version-$(sha256sum <"$bundle/SHA256SUMS" | cut -c1-8)
    step "bundle $version: every file is as it was made"
}

# A bundle of long ago is as well made and signed as it was then: an older one goes in only when that is said.
refuse_downgrade() {  # refuse_downgrade OLD-RELEASE
    local have want first
    if [ -z "$1" ] || [ -n "${allow_downgrade:-}" ] || [ ! -e "$1/built" ] || [ ! -e "$bundle/BUILT" ]; then return 0; fi
    have=${1##*/} have=${have%-*}
    have="${have%%+*} $(cat "$1/built")" want="${version%%+*} $(cat "$bundle/BUILT")"
    first=$(printf '%s\n' "$have" "$want" | sort -V | head -n 1)
    [ "$have" = "$want" ] || [ "$first" = "$have" ] ||
        die "$version is older than ${1##*/}, which is installed; --allow-downgrade if you want that. Nothing was changed." 2
}

# The first bundle that brings a key is believed; from then on only what that key signed goes in by dayuan-upgrade.
keep_upgrade() {
    [ -e "$bundle/upgrade.sh" ] || return 0
    put_file "$bundle/upgrade.sh" /usr/local/sbin/dayuan-upgrade
    chmod 0755 /usr/local/sbin/dayuan-upgrade
    if [ -e "$bundle/release.pub" ] && [ ! -e /etc/dayuan/release.pub ]; then put_file "$bundle/release.pub" /etc/dayuan/release.pub; fi
}

find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} /usr/bin/python3 python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            python=$(command -v "$candidate")
            return
        fi
    done
    die "needs Python 3.11 or newer (Debian 12, Raspberry Pi OS of 2023 and newer have it): apt install python3" 2
}

make_user() {
    if ! getent passwd "$user" >/dev/null; then
        useradd --system --user-group --home-dir "$data" --no-create-home --shell /usr/sbin/nologin "$user"
        step "user $user: made; it cannot log in"
    fi
    local group
    for group in $groups; do
        if getent group "$group" >/dev/null; then usermod --append --groups "$group" "$user"; fi
    done
    install -d -m 0755 /opt/dayuan "$home" "$home/releases" /etc/dayuan
    install -d -m 0750 -o root -g "$user" "$etc"
    install -d -m 0700 -o "$user" -g "$user" "$etc/secrets" "$data"
}

# A release that is not complete (a power cut while it was made) is made again from nothing.
make_release() {
    if [ -e "$release/complete" ]; then
        step "release ${release##*/}: there already"
        return
    fi
    rm -rf "$release"
    "$python" -m venv --without-pip "$release"
    local said
    # pip from the bundle fills the environment: offline, each file against its hash, nothing is compiled.
    if ! said=$("$python" "$(echo "$bundle"/pip-*.whl)/pip" --python "$release/bin/python" install --isolated --quiet \
        --no-index --find-links "$bundle/wheels" --no-deps --only-binary :all: --require-hashes --no-cache-dir \
        --disable-pip-version-check --root-user-action ignore -r "$bundle/lock.txt" 2>&1); then
        rm -rf "$release"
        printf '%s\n' "$said" | tail -n 6 >&2
        die "this bundle does not fit $(uname -m) with $("$python" --version). Nothing was changed." 2
    fi
    "$release/bin/python" -m compileall -q "$release/lib" >/dev/null 2>&1 || true
    install -d "$release/units"
    local unit
    for unit in $units $judge; do install -m 0644 "$bundle/$unit" "$release/units/$unit"; done
    install -d "$release/judge"
    install -m 0755 "$bundle/install.sh" "$release/judge/install.sh"
    install -m 0644 "$bundle/releases.sh" "$release/judge/releases.sh"
    [ ! -e "$bundle/BUILT" ] || install -m 0644 "$bundle/BUILT" "$release/built"
    [ ! -e "$bundle/sbom.cdx.json" ] || install -m 0644 "$bundle/sbom.cdx.json" "$release/sbom.cdx.json"
    chmod -R go-w "$release"
    sync -f "$release"
    touch "$release/complete"
    sync -f "$release"
    step "release ${release##*/}: made with $("$python" --version)"
}

running_release() { if [ -L "$home/current" ]; then readlink "$home/current"; fi; }

await_verdict() {  # await_verdict OLD-RELEASE
    printf '%s\n%s\n' "$1" "$asked" >"$home/.unjudged.new"
    mv -T "$home/.unjudged.new" "$home/unjudged"
    sync -f "$home"
}
end_verdict() { rm -f "$home/unjudged"; sync -f "$home"; }

point() {  # point LINK TARGET: in one rename, so that there is no instant without
    ln -sfn "$2" "$home/.$1.new"
    mv -T "$home/.$1.new" "$home/$1"
    sync -f "$home"
}

put_file() {  # put_file FROM TO: only when it differs, and at once
    if ! cmp -s "$1" "$2"; then
        install -d "$(dirname "$2")"
        install -m 0644 "$1" "$2.new"
        mv -T "$2.new" "$2"
        step "$2: written"
    fi
}

switch_to() {  # switch_to RELEASE: this one runs from the next start on
    local unit
    point current "$1"
    for unit in $units $judge; do
        # A release of before the verdict service has none: the one that is there stays, and finds nothing to do.
        [ ! -e "$1/units/$unit" ] || put_file "$1/units/$unit" "/etc/systemd/system/$unit"
    done
    if [ "$(readlink -f "/usr/local/bin/$program" || true)" != "$(readlink -f "$1/bin/$program")" ]; then
        install -d /usr/local/bin
        ln -sfn "$home/current/bin/$program" "/usr/local/bin/$program"
    fi
    service reload
}

forget_old_releases() {
    local each keep
    keep=" $(readlink "$home/current" || true) $(readlink "$home/previous" || true) "
    for each in "$home"/releases/*; do
        case $keep in *" $each "*) ;; *) rm -rf "$each" && step "release ${each##*/}: removed, it is neither the one that runs nor the one before" ;; esac
    done
}

start_all() { for each in $units; do case $each in *.service) service "$1" "${each%.service}" || return 1 ;; esac; done; }

go_back() { :; }  # what else an old release needs before it starts again; the script that sources this may say

# The new release takes over; when it is not healthy within the time, the old one goes on with the same data.
take_over() {  # take_over OLD-RELEASE
    local old=$1
    if [ "$old" = "$release" ] && [ "$(running_release)" = "$release" ] && service is-active; then
        end_verdict
        switch_to "$release"
        step "service: runs this release already"
        return
    fi
    trap '' HUP PIPE
    if [ -n "$(running_release)" ]; then start_all stop || true; fi
    [ -z "$old" ] || [ "$old" = "$release" ] || await_verdict "$old"
    switch_to "$release"
    [ -z "$old" ] || [ "$old" = "$release" ] || point previous "$old"
    start_all enable || true
    service enable "$judge" || true
    judged "$old"
}

# Starts the release that is current and gives the verdict on it: it stays, or OLD takes its place again.
judged() {  # judged OLD-RELEASE
    local old=$1
    if start_all start && healthy; then
        end_verdict
        step "service: runs and is healthy"
        return
    fi
    start_all stop || true
    if [ -z "$old" ] || [ "$old" = "$release" ]; then
        end_verdict
        die "the service is not healthy; see: journalctl -u dayuan-$name. Its data is untouched."
    fi
    step "the new release is not healthy: going back to ${old##*/}"
    switch_to "$old"
    rm -f "$home/previous"
    go_back
    # shellcheck disable=SC2034  # read by healthy, in the script that sources this
    within=$patience   # however little the new one was given: the old one has proved itself
    start_all start || true
    end_verdict
    if healthy; then
        die "the new release was not healthy; ${old##*/} runs again, with all that it had."
    fi
    die "the new release was not healthy, and ${old##*/} is not either; see: journalctl -u dayuan-$name."
}

# What dayuan-NAME-judge.service does when this machine stopped between a switch and its verdict, and each installation
# before it begins.
judge_now() {
    [ -e "$home/unjudged" ] || { step "no release waits for a verdict"; return; }
    local old
    release=$(running_release) old=$(sed -n 1p "$home/unjudged") asked=$(sed -n 2p "$home/unjudged")
    step "release ${release##*/}: an upgrade to it ended before it was known to be healthy"
    if [ "$old" = "$release" ]; then
        end_verdict
        step "it is the one from before that upgrade, and goes on"
        return
    fi
    if [ -e "$old/complete" ]; then point previous "$old"; else old=''; fi
    judged "$old"
    forget_old_releases
}

overdue_verdict() {
    [ -e "$home/unjudged" ] && starts_services || return 0
    "$bundle/install.sh" --judge ${service_command:+--service "$service_command"} || true
}
