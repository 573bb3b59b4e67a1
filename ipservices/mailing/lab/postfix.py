"""Postfix's configuration of a private mail server. Where the answers come from is the driver's lab's to say."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

MAPS = ("domains", "mailboxes", "routes", "senders", "closed", "barred", "waiting")
"""The questions Postfix asks. Every lab answers each by one map; ``sent`` (counting) is asked where it is there too."""


def write(directory: Path, *, ports: Mapping[str, int], maps: Mapping[str, str], hostname: str) -> None:
    """main.cf and master.cf below ``directory``; ``maps`` names for each question a map like ``pgsql:/…/x.cf``."""
    home = directory / "postfix"
    for place in (home, home / "etc", home / "queue", home / "data"):
        place.mkdir(exist_ok=True, mode=0o755)
    shutil.chown(home / "data", "postfix")
    counting = f"check_sasl_access {maps['sent']}" if "sent" in maps else ""
    (home / "etc/desks").write_text(_DESKS.format(**ports))
    (home / "etc/desk-domains").write_text(_DESK_DOMAINS)
    (home / "etc/main.cf").write_text(_MAIN.format(home=home, hostname=hostname, **ports, **maps))
    (home / "etc/master.cf").write_text(_MASTER.format(counting=counting, **ports, **maps))


# Domains of desks: what is written to help@help.three-lakes.example goes to BOSS, which answers from there.
_DESK_DOMAINS = "/^help\\./ yes\n"
_DESKS = "/@help\\.[^@]+$/ lmtp:inet:127.0.0.1:{desk}\n"

_MAIN = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {home}/maillog
maillog_file_prefixes = /
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = {hostname}
mydestination =
mynetworks =
local_recipient_maps =
alias_maps =
# A lab sends nothing to the outside.
default_transport = error:5.7.1 this practice server sends nothing to the outside
virtual_mailbox_domains = {domains}
virtual_mailbox_maps = {mailboxes}
virtual_alias_maps = {routes}
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
# What is already inside (forwarded from another mailbox) waits for a suspended one, too. Only who delivers may ask
# this: an smtpd remembers for as long as it lives where an address goes to, and would refuse a mailbox open again.
transport_maps = regexp:{home}/etc/desks, {waiting}
relay_domains = regexp:{home}/etc/desk-domains
recipient_delimiter = +
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{auth}
smtpd_sasl_security_options = noanonymous
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = reject_unauth_destination, check_recipient_access {closed},
    check_policy_service inet:127.0.0.1:{policy}
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
message_size_limit = 26214400
queue_run_delay = 2s
minimal_backoff_time = 2s
maximal_backoff_time = 5s
"""

_MASTER = """\
127.0.0.1:{smtp} inet n - n - - smtpd
    -o rewrite_service_name=rewrite-at-the-door
127.0.0.1:{submission} inet n - n - - smtpd
    -o rewrite_service_name=rewrite-at-the-door
    -o syslog_name=postfix/submission
    -o smtpd_sasl_auth_enable=yes
    -o smtpd_sender_login_maps={senders}
    -o {{ smtpd_relay_restrictions = permit_sasl_authenticated, reject }}
    -o {{ smtpd_sender_restrictions = check_sasl_access {barred}, reject_sender_login_mismatch }}
    -o {{ smtpd_recipient_restrictions = permit_sasl_authenticated, reject }}
    -o {{ smtpd_end_of_data_restrictions = {counting} }}
127.0.0.1:{inner} inet n - n - - smtpd
    -o rewrite_service_name=rewrite-at-the-door
    -o syslog_name=postfix/inner
    -o mynetworks=127.0.0.0/8
    -o smtpd_relay_restrictions=permit_mynetworks,reject
    -o smtpd_recipient_restrictions=permit_mynetworks,reject
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
rewrite-at-the-door unix - - n - - trivial-rewrite
    -o transport_maps=
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
