#!/usr/bin/env bash
# deploy/sign.sh KEY BUNDLE.tar.gz...    writes BUNDLE.tar.gz.sig: an Ed25519 signature of the file's very bytes
# deploy/sign.sh --new-key KEY           makes the release key and KEY.pub, which the boxes are given
#
# The release key belongs to whoever answers for what runs on the boxes, and on no box and no collector.
set -euo pipefail

case ${1:-} in
    --new-key)
        [ $# -eq 2 ] || { sed -n '2,3s/^# \{0,1\}//p' "$0"; exit 2; }
        [ ! -e "$2" ] || { echo "sign: $2 is there already; a new key would shut out all boxes that trust the old one" >&2; exit 2; }
        (umask 077 && openssl genpkey -algorithm ed25519 -out "$2")
        openssl pkey -in "$2" -pubout -out "$2.pub"
        chmod 0644 "$2.pub"
        echo "$2: keep it where keys belong. $2.pub: into each bundle (deploy/bundle.sh --key) or to /etc/dayuan/release.pub"
        exit 0 ;;
    ''|-*) sed -n '2,3s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
key=$1
shift
[ $# -gt 0 ] || { echo "sign: which bundle?" >&2; exit 2; }
for bundle in "$@"; do
    openssl pkeyutl -sign -rawin -inkey "$key" -in "$bundle" -out "$bundle.sig.new"
    mv -f "$bundle.sig.new" "$bundle.sig"
    echo "$bundle.sig"
done
