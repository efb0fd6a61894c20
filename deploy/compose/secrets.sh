#!/usr/bin/env bash
# deploy/compose/secrets.sh
# Makes the secrets of deploy/compose.yaml, each once and for this installation only, in deploy/compose/secrets (which
# git does not know); what is there is kept. Gateways have no password: they are enrolled (docs/IDENTITY.md).
#
#   secrets.sh --grafana-token    after the first start: a token for Grafana to read the collector by
set -euo pipefail
cd "$(dirname "$0")"

umask 077
mkdir -p secrets
chmod 0755 secrets 2>/dev/null || true

if [ "${1:-}" = --grafana-token ]; then
    docker compose -f ../compose.yaml exec -T collector dayuan-cloud token add grafana --role viewer --json \
        --settings /etc/dayuan/cloud.toml | sed -n 's/.*"token": "\([^"]*\)".*/\1/p' >secrets/grafana_token.new
    [ -s secrets/grafana_token.new ] || { echo "secrets: the collector gave no token; does it run?" >&2; exit 1; }
    chmod 0444 secrets/grafana_token.new
    mv -f secrets/grafana_token.new secrets/grafana_token
    docker compose -f ../compose.yaml up -d --force-recreate grafana
    exit 0
fi

[ $# -eq 0 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
random() { head -c 24 /dev/urandom | base64 | tr '+/' '-_'; }

# Containers read them as other users than ours: the folder is what keeps others of this machine out.
make() {  # make NAME
    if [ ! -s "secrets/$1" ]; then
        random >"secrets/$1"
        chmod 0444 "secrets/$1"
        echo "  secrets/$1: made"
    fi
}

echo "Secrets of deploy/compose.yaml:"
for name in grafana_admin victoria; do make "$name"; done
if [ ! -e secrets/grafana_token ]; then
    echo "none yet: deploy/compose/secrets.sh --grafana-token" >secrets/grafana_token
    chmod 0444 secrets/grafana_token
fi
chmod 0700 secrets
