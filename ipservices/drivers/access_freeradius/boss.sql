-- What BOSS adds to FreeRADIUS's own schema (PostgreSQL). May be run again at any time.
--
-- FreeRADIUS has no unique key on its user tables: an INSERT that is repeated gives a user two passwords, and the old
-- one goes on winning. If one of these indexes cannot be made there are such rows already; look at them first.

CREATE UNIQUE INDEX IF NOT EXISTS boss_radcheck_once ON radcheck (username, attribute);
CREATE UNIQUE INDEX IF NOT EXISTS boss_radreply_once ON radreply (username, attribute, value);
CREATE UNIQUE INDEX IF NOT EXISTS boss_radusergroup_once ON radusergroup (username, groupname);
CREATE UNIQUE INDEX IF NOT EXISTS boss_radgroupcheck_once ON radgroupcheck (groupname, attribute);
CREATE UNIQUE INDEX IF NOT EXISTS boss_radgroupreply_once ON radgroupreply (groupname, attribute, value);

-- Whether anybody is left in a group, and whose sessions are open.
CREATE INDEX IF NOT EXISTS boss_radusergroup_group ON radusergroup (groupname);
CREATE INDEX IF NOT EXISTS boss_radacct_open ON radacct (username) WHERE acctstoptime IS NULL;
CREATE INDEX IF NOT EXISTS boss_radreply_class ON radreply (value text_pattern_ops) WHERE attribute = 'Class';
