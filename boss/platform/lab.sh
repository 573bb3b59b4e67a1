#!/bin/sh
# Install what the browser tests and the real-server tests need, from Debian's own packages.
# Nothing is started: the tests start the servers themselves, privately and on free ports.
set -eu

packages="chromium fonts-liberation pdns-server pdns-backend-pgsql bind9-dnsutils rabbitmq-server"
packages="$packages bubblewrap libseccomp2 pgbouncer slapd openssh-server iproute2"
# The servers that drivers provision, and the clients that try them.
packages="$packages bind9 kea-dhcp4-server kea-dhcp6-server kea-ctrl-agent kea-admin"
packages="$packages postfix postfix-pgsql postfix-ldap dovecot-core dovecot-imapd dovecot-lmtpd dovecot-pop3d dovecot-sieve"
packages="$packages dovecot-pgsql dovecot-ldap roundcube-core roundcube-sqlite3 php-cli"
packages="$packages kamailio kamailio-postgres-modules kamailio-json-modules sip-tester"
packages="$packages freeradius freeradius-postgresql freeradius-utils"

missing=""
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
if [ -z "$missing" ]; then
    echo "The lab is complete: $packages"
    exit 0
fi
if [ "$(id -u)" != 0 ]; then
    echo "lab: these packages are missing and only root can install them:$missing" >&2
    echo "lab: sudo apt-get install --no-install-recommends$missing" >&2
    exit 1
fi

# Debian starts a server right after installing it; exit status 101 of this file forbids it for the moment.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -q
# shellcheck disable=SC2086 # one transaction, several words
apt-get install -q -y --no-install-recommends $missing
echo "The lab is complete: $packages"
