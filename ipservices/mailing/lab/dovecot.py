"""Dovecot's configuration of a private mail server, run as one unprivileged user."""

from __future__ import annotations

import pwd
from collections.abc import Mapping
from pathlib import Path

USER = "nobody"
MASTER = "portal"
"""The master user through which webmail opens a mailbox after a one-use sign-in."""


def write(
    home: Path, *, ports: Mapping[str, int], databases: str, api_key: str, copy_key: str, master_hash: str
) -> None:
    """dovecot.conf in ``home``; ``databases`` are the passdb and userdb blocks of the driver's lab.

    ``copy_key`` is one for all mail servers of the lab: with it they hand one another whole mailboxes.
    """
    for place in (home, home / "run", home / "state", home / "mail"):
        place.mkdir(exist_ok=True, mode=0o700)
    (home / "autoreply.sieve").write_text(_AUTOREPLY)
    (home / "masters").write_text(f"{MASTER}:{{CRYPT}}{master_hash}\n")
    account = pwd.getpwnam(USER)
    (home / "dovecot.conf").write_text(
        _CONF.format(
            home=home,
            user=USER,
            group="nogroup",
            uid=account.pw_uid,
            gid=account.pw_gid,
            api_key=api_key,
            copy_key=copy_key,
            databases=databases,
            **ports,
        )
    )


_CONF = """\
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/dovecot.log
protocols = imap pop3 lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_username_format = %Lu
auth_failure_delay = 0
auth_master_user_separator = *
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
default_vsz_limit = 128M
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = {uid}
first_valid_gid = {gid}
mail_location = maildir:~/Maildir
mail_plugins = quota
recipient_delimiter = +
lda_mailbox_autocreate = yes
submission_host = 127.0.0.1:{inner}
doveadm_api_key = {api_key}
doveadm_password = {copy_key}
import_environment = TZ
# Webmail opens a mailbox as master; what the mailbox itself may not do, webmail may not.
passdb {{
  driver = passwd-file
  args = scheme=CRYPT username_format=%u {home}/masters
  master = yes
  pass = yes
}}
{databases}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Drafts {{
    special_use = \\Drafts
    auto = subscribe
  }}
  mailbox Sent {{
    special_use = \\Sent
    auto = subscribe
  }}
  mailbox Junk {{
    special_use = \\Junk
    auto = subscribe
  }}
  mailbox Trash {{
    special_use = \\Trash
    auto = subscribe
  }}
}}
plugin {{
  quota = count:Mailbox
  quota_vsizes = yes
  quota_grace = 0
  quota_status_success = DUNNO
  quota_status_nouser = DUNNO
  quota_status_overquota = "552 5.2.2 Mailbox is full"
  sieve_vacation_dont_check_recipient = yes
  sieve_before = {home}/autoreply.sieve
  sieve_global_extensions = +vnd.dovecot.environment
  sieve_extensions = +vnd.dovecot.environment
}}
protocol imap {{
  mail_plugins = $mail_plugins imap_quota
}}
protocol lmtp {{
  mail_plugins = $mail_plugins sieve
  postmaster_address = postmaster@localhost
}}
metric deliveries {{
  filter = event=mail_delivery_finished
  group_by = user
}}
service anvil {{
  chroot =
  # No waiting after wrong passwords: everybody comes from one address here.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
service auth {{
  inet_listener {{
    port = {auth}
  }}
}}
service quota-status {{
  executable = quota-status -p postfix
  inet_listener {{
    port = {policy}
  }}
  client_limit = 1
}}
service doveadm {{
  inet_listener http {{
    port = {doveadm}
  }}
  # Other Dovecots hand over whole mailboxes here.
  inet_listener {{
    port = {copy}
  }}
}}
"""

# The text is the mailbox's own, handed over by the user database; once in a day for each sender.
_AUTOREPLY = """\
require ["vacation", "variables", "environment", "vnd.dovecot.environment"];
set "text" "";
if environment :matches "vnd.dovecot.config.autoreply" "*" { set "text" "${1}"; }
if not string :is "${text}" "" { vacation :days 1 "${text}"; }
"""
