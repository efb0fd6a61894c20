#!/usr/bin/env bash
# deploy/compose/secrets.sh [SITE/GATEWAY...]
# Makes the secrets of deploy/compose.yaml, each once and for this installation only, in deploy/compose/secrets (which
# git does not know); what is there is kept. For each gateway named it makes an account at the broker that reaches its
# own topics and no others, and says where its password is. Needs mosquitto_passwd (Debian: mosquitto).
#
#   secrets.sh --grafana-token    after the first start: a token for Grafana to read the collector by
set -euo pipefail
cd "$(dirname "$0")"
PATH=$PATH:/usr/sbin

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

command -v mosquitto_passwd >/dev/null || { echo "secrets: needs mosquitto_passwd (apt install mosquitto)" >&2; exit 2; }
random() { head -c 24 /dev/urandom | base64 | tr '+/' '-_'; }

# Containers read them as other users than ours: the folder is what keeps others of this machine out.
make() {  # make NAME
    if [ ! -s "secrets/$1" ]; then
        random >"secrets/$1"
        chmod 0444 "secrets/$1"
        echo "  secrets/$1: made"
    fi
}

account() {  # account USER FILE TOPICS...: its line in the password file, its lines in the list of topics
    local user=$1 from=$2 line
    shift 2
    touch secrets/broker_passwords secrets/broker_access
    grep -q "^$user:" secrets/broker_passwords && return
    cp secrets/broker_passwords secrets/broker_passwords.new
    printf '%s:%s\n' "$user" "$(cat "$from")" >secrets/one
    mosquitto_passwd -U secrets/one   # by a file, as an argument would be seen by everybody
    cat secrets/one >>secrets/broker_passwords.new
    rm -f secrets/one
    {
        cat secrets/broker_access
        printf 'user %s\n' "$user"
        for line in "$@"; do printf 'topic %s\n' "$line"; done
        echo
    } >secrets/broker_access.new
    chmod 0444 secrets/broker_passwords.new secrets/broker_access.new
    mv -f secrets/broker_access.new secrets/broker_access
    mv -f secrets/broker_passwords.new secrets/broker_passwords
    echo "  account $user: made"
}

for gateway in "$@"; do
    [[ $gateway =~ ^[a-z0-9-]{1,32}/[a-z0-9-]{1,32}$ ]] ||
        { echo "secrets: $gateway is no SITE/GATEWAY (small letters, digits and -)" >&2; exit 2; }
done

echo "Secrets of deploy/compose.yaml:"
for name in broker_collector grafana_admin victoria; do make "$name"; done
if [ ! -e secrets/grafana_token ]; then
    echo "none yet: deploy/compose/secrets.sh --grafana-token" >secrets/grafana_token
    chmod 0444 secrets/grafana_token
fi
account collector secrets/broker_collector "read dayuan/1/+/+/up" "read dayuan/1/+/+/birth" "read dayuan/1/+/+/status" \
    "write dayuan/1/+/+/ack" "write dayuan/1/+/+/cmd" "write dayuan/1/+/+/config"
for gateway in "$@"; do
    id=${gateway#*/} top=dayuan/1/$gateway user=${gateway/\//.}
    make "gateway-${gateway/\//.}"
    account "$user" "secrets/gateway-${gateway/\//.}" "write $top/up" "write $top/birth" "write $top/status" \
        "read $top/ack" "read $top/cmd" "read $top/config"
    echo "  gateway $id: username = \"$user\", its password: deploy/compose/secrets/gateway-${gateway/\//.}"
done
chmod 0700 secrets
