#!/usr/bin/env bash
# deploy/deb.sh BUNDLE.tar.gz [--arch amd64|arm64] [--out DIR]
# Makes a Debian package out of a bundle: it lays the bundle down and runs its install script, which upgrades and goes
# back as it does by hand. Removing the package keeps settings and data, purging it erases them.
set -euo pipefail

from=${1:?usage: deploy/deb.sh BUNDLE.tar.gz [--arch amd64|arm64] [--out DIR]}
shift
arch=$(dpkg --print-architecture) out=dist
while [ $# -gt 0 ]; do
    case $1 in
        --arch) arch=$2; shift ;;
        --out) out=$2; shift ;;
        *) sed -n '2,4s/^# \{0,1\}//p' "$0"; exit 2 ;;
    esac
    shift
done
case $arch in
    amd64) other=aarch64 ;;
    arm64) other=x86_64 ;;
    *) echo "deb: amd64 or arm64, not $arch" >&2; exit 2 ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/unpacked"
tar -xzf "$from" -C "$work/unpacked"
bundle=$(echo "$work"/unpacked/dayuan-*)
(cd "$bundle" && sha256sum --quiet --strict --check SHA256SUMS) || { echo "deb: $from is damaged" >&2; exit 2; }
version=$(cat "$bundle/VERSION")
package=$(basename "$bundle" "-$version")
case $package in
    dayuan-edge) service=edge about="Dayuan gateway: reads meters, doors and vehicles, keeps every reading, sends it up" ;;
    dayuan-collector) service=collector about="Dayuan collector: takes readings in, and shows them" ;;
    *) echo "deb: $from holds no gateway and no collector" >&2; exit 2 ;;
esac

# Wheels for the other architecture stay out; the list of sums follows.
rm -f "$bundle"/wheels/*"$other"*.whl
grep -v "$other" "$bundle/SHA256SUMS" >"$work/sums"
mv "$work/sums" "$bundle/SHA256SUMS"

tree=$work/tree place=/usr/lib/$package/bundle
mkdir -p "$tree/usr/lib/$package" "$tree/DEBIAN" "$tree/usr/share/doc/$package"
mv "$bundle" "$tree$place"
cp "$tree$place/LICENSE" "$tree/usr/share/doc/$package/copyright"
cat >"$tree/DEBIAN/control" <<CONTROL
Package: $package
Version: $version
Architecture: $arch
Maintainer: The Dayuan project <dayuan@invalid>
Depends: python3 (>= 3.11), python3 (<< 3.14), passwd, util-linux, coreutils
Section: net
Priority: optional
Installed-Size: $(du -sk "$tree/usr" | cut -f1)
Description: $about
 Everything it needs from elsewhere is inside, each file with its hash.
CONTROL
cat >"$tree/DEBIAN/postinst" <<POSTINST
#!/bin/sh
set -e
[ "\$1" = configure ] || exit 0
exec $place/install.sh
POSTINST
cat >"$tree/DEBIAN/prerm" <<PRERM
#!/bin/sh
set -e
[ "\$1" = remove ] || exit 0
exec $place/uninstall.sh
PRERM
cat >"$tree/DEBIAN/postrm" <<POSTRM
#!/bin/sh
set -e
[ "\$1" = purge ] || exit 0
for file in \$(find /etc/dayuan/$service /var/lib/dayuan-$service -xdev -type f 2>/dev/null | tr ' ' '?'); do
    shred --force --iterations=1 --zero --remove=wipesync "\$file" || true
done
rm -rf /etc/dayuan/$service /var/lib/dayuan-$service
rmdir /etc/dayuan 2>/dev/null || true
POSTRM
chmod 0755 "$tree"/DEBIAN/p*
mkdir -p "$out"
dpkg-deb --root-owner-group -Zgzip -z1 --build "$tree" "$out/${package}_${version}_$arch.deb" >/dev/null
echo "$out/${package}_${version}_$arch.deb  $(du -h "$out/${package}_${version}_$arch.deb" | cut -f1)"
