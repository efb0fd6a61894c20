#!/usr/bin/env bash
# Installs a bundle or a Debian package, or upgrades to it, after its signature was looked at: nothing of it is unpacked before. As root.
#
#   dayuan-upgrade BUNDLE.tar.gz [--key FILE] [OPTIONS OF install.sh]
#
#   dayuan-upgrade PACKAGE.deb [--key FILE]
#
# The signature lies beside the bundle as BUNDLE.tar.gz.sig, the key to trust at /etc/dayuan/release.pub. A bundle that
# is older than what runs is refused, unless --allow-downgrade is said. Needs openssl.
set -euo pipefail

die() { echo "upgrade: $1" >&2; exit 2; }
key=/etc/dayuan/release.pub bundle='' options=()
while [ $# -gt 0 ]; do
    case $1 in
        --key) key=${2:-}; shift ;;
        --settings|--service|--within|--site|--board-watchdog) options+=("$1" "${2:-}"); shift ;;
        -*) options+=("$1") ;;
        *) [ -z "$bundle" ] || die "one bundle at a time"; bundle=$1 ;;
    esac
    shift
done
[ -n "$bundle" ] || { sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 2; }
[ -r "$key" ] || die "no key to trust at $key; put the public release key there, or name it by --key"
[ -r "$bundle" ] || die "$bundle: not there"
[ -r "$bundle.sig" ] || die "$bundle.sig is missing: this bundle is not signed. Nothing was changed."

# Looked at and unpacked is one and the same copy, which nobody else can write.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$bundle" "$work/bundle.tar.gz"
cp "$bundle.sig" "$work/bundle.sig"
openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in "$work/bundle.tar.gz" -sigfile "$work/bundle.sig" >/dev/null 2>&1 ||
    die "$bundle is not signed by the key at $key, or was changed since. Nothing was changed."
echo "  signature: good"
case $bundle in
    *.deb)
        [ ${#options[@]} -eq 0 ] || die "a package takes no options of install.sh. Nothing was changed."
        mv "$work/bundle.tar.gz" "$work/package.deb"
        have=$(dpkg-deb --field "$work/package.deb" Package) want=$(dpkg-deb --field "$work/package.deb" Version)
        case $have in dayuan-edge|dayuan-collector) ;; *) die "$bundle is signed, and is no package of this project. Nothing was changed." ;; esac
        old=$(dpkg-query --show --showformat '${Version}' "$have" 2>/dev/null || true)
        if [ -n "$old" ] && dpkg --compare-versions "$want" lt "$old"; then
            die "$have $want is older than $old, which is installed. Nothing was changed."
        fi
        dpkg --install "$work/package.deb"
        exit ;;
esac
mkdir "$work/unpacked"
tar --no-same-owner --no-same-permissions -xzf "$work/bundle.tar.gz" -C "$work/unpacked"
folder=$(find "$work/unpacked" -mindepth 1 -maxdepth 1 -type d)
[ -x "$folder/install.sh" ] || die "$bundle is signed, and is no bundle of this project. Nothing was changed."
"$folder/install.sh" ${options[@]+"${options[@]}"}
