"""What is said to FreeRADIUS's tables."""

from __future__ import annotations

READ = """
    SELECT username, 'check' AS part, '' AS name, attribute, op, value, 0 AS priority
      FROM radcheck WHERE username = ANY(%(users)s)
    UNION ALL
    SELECT username, 'reply', '', attribute, op, value, 0 FROM radreply WHERE username = ANY(%(users)s)
    UNION ALL
    SELECT username, 'group', groupname, '', '', '', priority FROM radusergroup WHERE username = ANY(%(users)s)
    UNION ALL
    SELECT u.username, 'group check', g.groupname, g.attribute, g.op, g.value, 0
      FROM radgroupcheck g JOIN radusergroup u ON u.groupname = g.groupname WHERE u.username = ANY(%(users)s)
    UNION ALL
    SELECT u.username, 'group reply', g.groupname, g.attribute, g.op, g.value, 0
      FROM radgroupreply g JOIN radusergroup u ON u.groupname = g.groupname WHERE u.username = ANY(%(users)s)
    UNION ALL
    SELECT username, 'sessions', '', '', '', count(*)::text, 0
      FROM radacct WHERE username = ANY(%(users)s) AND acctstoptime IS NULL GROUP BY username
"""

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%(lock)s, 0))"
LOCK_SHARED = "SELECT pg_advisory_xact_lock_shared(hashtextextended(%(lock)s, 0))"
TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended(%(lock)s, 0)) AS got"

# Two statements and not one: within one, the unique keys would see the old rows and the new ones together.
FORGET = """
    WITH checks AS (DELETE FROM radcheck WHERE username = %(user)s),
         replies AS (DELETE FROM radreply WHERE username = %(user)s)
    DELETE FROM radusergroup WHERE username = %(user)s
"""
WRITE = """
    WITH checks AS (
        INSERT INTO radcheck (username, attribute, op, value)
        SELECT %(user)s, * FROM unnest(%(check)s::text[], %(check_op)s::text[], %(check_value)s::text[])
    ), replies AS (
        INSERT INTO radreply (username, attribute, op, value)
        SELECT %(user)s, * FROM unnest(%(reply)s::text[], %(reply_op)s::text[], %(reply_value)s::text[])
    )
    INSERT INTO radusergroup (username, groupname, priority)
    SELECT %(user)s, * FROM unnest(%(groups)s::text[], %(priority)s::int[])
"""
ALL_TOLD = "DELETE FROM radusergroup WHERE username = %(user)s AND groupname = ANY(%(due)s)"

GROUP = """
    SELECT 'check' AS part, attribute, op, value FROM radgroupcheck WHERE groupname = %(group)s
    UNION ALL
    SELECT 'reply', attribute, op, value FROM radgroupreply WHERE groupname = %(group)s
"""
GROUP_FORGET = """
    WITH checks AS (DELETE FROM radgroupcheck WHERE groupname = %(group)s AND attribute = ANY(%(check)s))
    DELETE FROM radgroupreply WHERE groupname = %(group)s AND attribute = ANY(%(reply)s)
"""
GROUP_WRITE = """
    WITH checks AS (
        INSERT INTO radgroupcheck (groupname, attribute, op, value)
        SELECT %(group)s, * FROM unnest(%(check)s::text[], %(check_op)s::text[], %(check_value)s::text[])
    )
    INSERT INTO radgroupreply (groupname, attribute, op, value)
    SELECT %(group)s, * FROM unnest(%(reply)s::text[], %(reply_op)s::text[], %(reply_value)s::text[])
"""
IS_USED = "SELECT EXISTS (SELECT 1 FROM radusergroup WHERE groupname = %(group)s) AS used"

HELD = """
    SELECT username, value FROM radreply
     WHERE attribute = 'Class' AND value LIKE %(ours)s ORDER BY username
"""

HELD_AFTER = """
    SELECT username, value FROM radreply
     WHERE attribute = 'Class' AND value LIKE %(ours)s AND username > %(place)s ORDER BY username LIMIT %(most)s
"""

CANARY = "SELECT value FROM radcheck WHERE username = %(user)s AND attribute = 'Cleartext-Password' ORDER BY id LIMIT 1"
