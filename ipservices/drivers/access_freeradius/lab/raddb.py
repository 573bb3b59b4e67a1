"""The lab server's configuration: what an operator's FreeRADIUS needs for BOSS, and nothing else."""

from __future__ import annotations

from pathlib import Path

PACKAGED = Path("/etc/freeradius/3.0/mods-config/sql/main/postgresql")
"""Where Debian keeps the schema and the queries; only root and the group ``freerad`` may read it."""

_MAIN = """
name = radiusd
prefix = /usr
libdir = /usr/lib/freeradius
raddbdir = .
confdir = ${{raddbdir}}
logdir = .
run_dir = .
max_request_time = 10
cleanup_delay = 2
max_requests = 16384
hostname_lookups = no
checkrad = /bin/true
log {{
    destination = files
    file = ${{logdir}}/radius.log
    auth = no
}}
security {{
    max_attributes = 200
    # A lab's tests wait for every refusal; a server in service keeps its second.
    reject_delay = 0
    status_server = yes
    allow_core_dumps = no
}}
thread pool {{
    start_servers = 3
    max_servers = 8
    min_spare_servers = 1
    max_spare_servers = 4
}}
client lab {{
    ipaddr = 127.0.0.0/8
    secret = {radius_secret}
    # A request whose sender cannot be proved is dropped (BlastRADIUS, CVE-2024-3596).
    require_message_authenticator = yes
    nas_type = other
}}
modules {{
    pap {{
    }}
    chap {{
    }}
    mschap {{
        use_mppe = yes
    }}
    expiration {{
    }}
    # The packaged queries compute with it.
    expr {{
        safe_characters = "@abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.: /"
    }}
    always ok {{
        rcode = ok
    }}
    always reject {{
        rcode = reject
    }}
    attr_filter attr_filter.access_reject {{
        key = "%{{User-Name}}"
        filename = ${{raddbdir}}/access_reject
    }}
    sql {{
        driver = "rlm_sql_postgresql"
        dialect = "postgresql"
        server = "{sql_host}"
        port = {sql_port}
        login = "{sql_user}"
        password = "{sql_password}"
        radius_db = "{sql_database}"
        postgresql {{
            send_application_name = yes
        }}
        read_clients = no
        read_groups = yes
        read_profiles = no
        delete_stale_sessions = yes
        acct_table1 = "radacct"
        acct_table2 = "radacct"
        postauth_table = "radpostauth"
        authcheck_table = "radcheck"
        authreply_table = "radreply"
        groupcheck_table = "radgroupcheck"
        groupreply_table = "radgroupreply"
        usergroup_table = "radusergroup"
        client_table = "nas"
        group_attribute = "SQL-Group"
        pool {{
            start = 1
            min = 1
            max = 8
            spare = 2
            uses = 0
            retry_delay = 1
            lifetime = 0
            idle_timeout = 60
        }}
        $INCLUDE ${{raddbdir}}/queries.conf
    }}
}}
server access {{
    listen {{
        type = auth
        ipaddr = 127.0.0.1
        port = {auth_port}
    }}
    listen {{
        type = acct
        ipaddr = 127.0.0.1
        port = {acct_port}
    }}
    authorize {{
        chap
        mschap
        sql
        expiration
        pap
    }}
    authenticate {{
        Auth-Type PAP {{
            pap
        }}
        Auth-Type CHAP {{
            chap
        }}
        Auth-Type MS-CHAP {{
            mschap
        }}
    }}
    preacct {{
        # With every Class: an access device that restarts may count its sessions from one again.
        update request {{
            &Acct-Unique-Session-Id := \
                "%{{md5:%{{User-Name}},%{{Acct-Session-Id}},%{{NAS-IP-Address}},%{{NAS-Port}},%{{Class[*]}}}}"
        }}
    }}
    accounting {{
        sql
        # Without it an interim update after the Stop gets no answer, and the access device repeats it for ever.
        ok
    }}
    session {{
        sql
    }}
    post-auth {{
        # A second Class, another one at every log-in, beside the one that says whose the session is.
        if (&reply:Class) {{
            update reply {{
                &Class += "login:%{{randstr:hhhhhhhhhhhhhhhh}}"
            }}
        }}
        Post-Auth-Type REJECT {{
            # A refusal would carry the user's address and Class.
            attr_filter.access_reject
        }}
    }}
}}
server status {{
    listen {{
        type = status
        ipaddr = 127.0.0.1
        port = {status_port}
    }}
    authorize {{
        Autz-Type Status-Server {{
            ok
        }}
    }}
}}
# An access device by the book: it knows the sessions that accounting knows.
server coa {{
    listen {{
        type = coa
        ipaddr = 127.0.0.1
        port = {coa_port}
        virtual_server = coa
    }}
    recv-coa {{
        if ("%{{sql:SELECT count(*) FROM radacct WHERE acctstoptime IS NULL \\
            AND acctsessionid = '%{{Acct-Session-Id}}' AND username = '%{{User-Name}}'}}" == "0") {{
            update reply {{
                &Error-Cause := Session-Context-Not-Found
            }}
            reject
        }}
        if (&Packet-Type == Disconnect-Request) {{
            update control {{
                &Tmp-Integer-0 := "%{{sql:UPDATE radacct SET acctstoptime = now(), acctterminatecause = 'Admin-Reset' \\
                    WHERE acctstoptime IS NULL AND acctsessionid = '%{{Acct-Session-Id}}' \\
                    AND username = '%{{User-Name}}'}}"
            }}
        }}
        ok
    }}
    send-coa {{
        ok
    }}
}}
"""

_ACCESS_REJECT = """DEFAULT
    EAP-Message =* ANY,
    State =* ANY,
    Message-Authenticator =* ANY,
    Error-Cause =* ANY,
    Reply-Message =* ANY,
    MS-CHAP-Error =* ANY,
    Proxy-State =* ANY
"""


def write(directory: Path, values: dict[str, str | int]) -> None:
    """Write the configuration below ``directory``; ``values`` fill the names of the text above."""
    for name, text in {
        "radiusd.conf": _MAIN.format(**values),
        "queries.conf": with_class((PACKAGED / "queries.conf").read_text()),
        "access_reject": _ACCESS_REJECT,
        "dictionary": "",
    }.items():
        path = directory / name
        path.touch(mode=0o600)
        path.write_text(text)


def with_class(queries: str) -> str:
    """The packaged queries with their ``class`` part switched on: without it accounting does not say whose it is."""
    for key, value in {
        "column_name": '", Class"',
        "packet_xlat": "\", '%{Class}'\"",
        "reply_xlat": "\", '%{reply:Class}'\"",
    }.items():
        before = f"{key} =\t# {value}"
        if before not in queries:
            raise ValueError(f"the packaged queries have no line {before!r}")
        queries = queries.replace(before, f"{key} = {value}")
    return queries
