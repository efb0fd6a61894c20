#!/usr/bin/env bash
# deploy/bundle.sh edge|collector [--out DIR] [--arch "amd64 arm64"] [--python "3.11 3.12 3.13"] [--key RELEASE.pub]
# Makes DIR/dayuan-NAME-VERSION.tar.gz: this checkout as a wheel, every package of its lock for each architecture and
# Python named, each checked against its hash, and the scripts that install it. The box needs no network and no pip.
set -euo pipefail
cd "$(dirname "$0")/.."

name=${1:-edge}
shift || true
out=dist key='' arch="amd64 arm64" pythons="3.11 3.12 3.13"
while [ $# -gt 0 ]; do
    case $1 in
        --out) out=$2; shift ;;
        --arch) arch=$2; shift ;;
        --python) pythons=$2; shift ;;
        --key) key=$2; shift ;;
        *) sed -n '2,4s/^# \{0,1\}//p' "$0"; exit 2 ;;
    esac
    shift
done
case $name in
    edge) lock=deploy/locks/edge.txt ;;
    collector) lock=deploy/locks/cloud.txt ;;
    *) echo "bundle: edge or collector" >&2; exit 2 ;;
esac
python=${PYTHON:-.venv/bin/python}
[ -x "$python" ] || { echo "bundle: needs .venv (make venv), or PYTHON=/path/to/python3 with pip and setuptools" >&2; exit 2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
pip() { "$python" -m pip --disable-pip-version-check "$@"; }

# Built from a copy: setuptools writes beside what it reads. Always the same bytes for the same commit.
mkdir "$work/source"
git ls-files -z --cached --others --exclude-standard -- pyproject.toml README.md LICENSE edge cloud protocols simulators |
    xargs -0 cp --parents --no-dereference --preserve=mode -t "$work/source"
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
pip wheel --quiet --no-deps --no-build-isolation --no-index --wheel-dir "$work/own" "$work/source"
wheel=$(basename "$work"/own/dayuan-*.whl)
version=$(cut -d- -f2 <<<"$wheel")+$(git log -1 --format=%h)
bundle=$work/dayuan-$name-$version
mkdir -p "$bundle/wheels"
mv "$work/own/$wheel" "$bundle/wheels/"

platforms() {
    case $1 in
        amd64) machine=x86_64 ;;
        arm64) machine=aarch64 ;;
        *) echo "bundle: amd64 and arm64 are what there are wheels for, not $1" >&2; exit 2 ;;
    esac
    for age in 2014 _2_17 _2_24 _2_26 _2_27 _2_28 _2_31 _2_34; do printf -- '--platform manylinux%s_%s ' "$age" "$machine"; done
}
for one in $arch; do
    for each in $pythons; do
        # shellcheck disable=SC2046  # options, one word each
        pip download --quiet --dest "$bundle/wheels" --require-hashes --no-deps --only-binary :all: \
            --implementation cp --python-version "$each" $(platforms "$one") -r "$lock"
    done
done
pip download --quiet --dest "$bundle" --require-hashes --no-deps --only-binary :all: -r deploy/pip.txt

{
    cat "$lock"
    printf 'dayuan==%s --hash=sha256:%s\n' "$(cut -d- -f2 <<<"$wheel")" "$(sha256sum <"$bundle/wheels/$wheel" | cut -c1-64)"
} >"$bundle/lock.txt"
echo "$version" >"$bundle/VERSION"
echo "$SOURCE_DATE_EPOCH" >"$bundle/BUILT"   # orders releases of one version
cp deploy/releases.sh deploy/upgrade.sh LICENSE "$bundle/"
"$python" deploy/sbom.py "$bundle/lock.txt" "$version" >"$bundle/sbom.cdx.json"
[ -z "$key" ] || cp "$key" "$bundle/release.pub"
find "deploy/$name" -maxdepth 1 -type f ! -name '*.md' -exec cp -t "$bundle" {} +
(cd "$bundle" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) >"$work/sums"
mv "$work/sums" "$bundle/SHA256SUMS"
chmod -R u=rwX,go=rX "$bundle"

mkdir -p "$out"
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -C "$work" -cz \
    -f "$out/dayuan-$name-$version.tar.gz" "dayuan-$name-$version"
echo "$out/dayuan-$name-$version.tar.gz  $(du -h "$out/dayuan-$name-$version.tar.gz" | cut -f1)"
