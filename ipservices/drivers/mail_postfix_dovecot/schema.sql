-- The tables Postfix and Dovecot read and BOSS writes. May be applied again; the README says with which roles.

CREATE TABLE IF NOT EXISTS mail_domain (
    name text PRIMARY KEY CHECK (name = lower(name))
);

CREATE TABLE IF NOT EXISTS mailbox (
    address          text PRIMARY KEY CHECK (address ~ '^[a-z0-9][a-z0-9._-]*@[a-z0-9.-]+$'),
    domain           text NOT NULL REFERENCES mail_domain,
    service_ref      text NOT NULL CHECK (service_ref ~ '^[A-Za-z0-9-]+$'),
    password         text NOT NULL DEFAULT '!',
    quota_mb         integer NOT NULL CHECK (quota_mb > 0),
    forward          text[] NOT NULL DEFAULT '{}',
    autoreply        jsonb,
    daily_send_limit integer CHECK (daily_send_limit > 0),
    restriction      text NOT NULL DEFAULT 'none'
                     CHECK (restriction IN ('none', 'outgoing_barred', 'walled', 'blocked')),
    switched_off     text[] NOT NULL DEFAULT '{}' CHECK (switched_off <@ '{imap,pop,submit,deliver}'::text[]),
    -- Counted by mail_sent(); BOSS only reads them.
    messages_out     bigint NOT NULL DEFAULT 0,
    sent_on          date,
    sent_that_day    integer NOT NULL DEFAULT 0
);

-- Every address under which a mailbox gets mail, its own among them: so no alias can be another mailbox's address.
CREATE TABLE IF NOT EXISTS mailbox_name (
    name    text PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9._-]*@[a-z0-9.-]+$'),
    mailbox text NOT NULL REFERENCES mailbox ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS mailbox_name_mailbox ON mailbox_name (mailbox);

-- Removed mailboxes whose mail is still kept.
CREATE TABLE IF NOT EXISTS mailbox_gone (
    service_ref text NOT NULL,
    address     text NOT NULL,
    removed_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (service_ref, address)
);

-- Which doors are open: the operator's suspension and the owner's own switches together.
CREATE OR REPLACE VIEW mailbox_door AS
SELECT address, domain, service_ref, password, quota_mb, forward, autoreply,
       -- The place of the mail has the service's id in it: who gets an address later never sees the former owner's.
       domain || '/' || split_part(address, '@', 1) || '/' || service_ref AS place,
       restriction IN ('none', 'outgoing_barred') AND NOT 'imap' = ANY (switched_off) AS imap,
       restriction IN ('none', 'outgoing_barred') AND NOT 'pop' = ANY (switched_off) AS pop,
       restriction = 'none' AND NOT 'submit' = ANY (switched_off) AS submit,
       restriction <> 'blocked' AND NOT 'deliver' = ANY (switched_off) AS deliver
  FROM mailbox;

-- Where mail goes on to. A mailbox that takes no mail forwards none either.
CREATE OR REPLACE VIEW mail_route AS
SELECT name AS source, mailbox AS destination FROM mailbox_name WHERE name <> mailbox
UNION ALL
SELECT address, address FROM mailbox_door WHERE deliver AND forward <> '{}'
UNION ALL
SELECT address, unnest(forward) FROM mailbox_door WHERE deliver;

-- Postfix asks this once for each message a subscriber has submitted: counts it, or refuses it over the day's limit.
CREATE OR REPLACE FUNCTION mail_sent(login text) RETURNS text
LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
    WITH counted AS (
        UPDATE mailbox
           SET sent_that_day = CASE WHEN sent_on = current_date THEN sent_that_day ELSE 0 END + 1,
               sent_on = current_date,
               messages_out = messages_out + 1
         WHERE address = login
           AND (daily_send_limit IS NULL OR sent_on IS DISTINCT FROM current_date
                OR sent_that_day < daily_send_limit)
        RETURNING 1
    )
    SELECT CASE WHEN EXISTS (SELECT FROM counted) THEN 'DUNNO'
                ELSE '450 4.7.1 The daily limit of messages is reached' END
$$;
REVOKE ALL ON FUNCTION mail_sent(text) FROM PUBLIC;
