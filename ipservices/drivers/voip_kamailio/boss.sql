-- What BOSS adds to Kamailio's own tables (auth_db, alias_db, usrloc, acc, dialog). May be run again at any time.

ALTER TABLE subscriber ADD COLUMN IF NOT EXISTS boss_service VARCHAR(64) NOT NULL DEFAULT '';
-- active, incoming (may be called, may not call), blocked: the operator's restriction.
ALTER TABLE subscriber ADD COLUMN IF NOT EXISTS boss_state VARCHAR(16) NOT NULL DEFAULT 'active';
-- The owner's own switches: 1 is on. Kept apart from the operator's restriction.
ALTER TABLE subscriber ADD COLUMN IF NOT EXISTS own_outgoing INTEGER NOT NULL DEFAULT 1;
ALTER TABLE subscriber ADD COLUMN IF NOT EXISTS own_voicemail INTEGER NOT NULL DEFAULT 1;
-- Calls at the same time, in and out together; 0 is as many as wanted.
ALTER TABLE subscriber ADD COLUMN IF NOT EXISTS max_calls INTEGER NOT NULL DEFAULT 0;
-- The country code that calls may not leave, and the beginnings of numbers that may not be called, as a regular
-- expression over the whole number without a plus; empty is no rule.
ALTER TABLE subscriber ADD COLUMN IF NOT EXISTS bar_abroad VARCHAR(8) NOT NULL DEFAULT '';
ALTER TABLE subscriber ADD COLUMN IF NOT EXISTS bar_premium VARCHAR(255) NOT NULL DEFAULT '';
-- Numbers that only a blocked line may not call, as a regular expression over what is dialled.
ALTER TABLE subscriber ADD COLUMN IF NOT EXISTS emergency VARCHAR(255) NOT NULL DEFAULT '112|911';
-- For the voice platform behind the proxy; the proxy itself does nothing with them.
ALTER TABLE subscriber ADD COLUMN IF NOT EXISTS display_name VARCHAR(64) NOT NULL DEFAULT '';
ALTER TABLE subscriber ADD COLUMN IF NOT EXISTS forward_to VARCHAR(64) NOT NULL DEFAULT '';
ALTER TABLE subscriber ADD COLUMN IF NOT EXISTS voicemail BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE subscriber ADD COLUMN IF NOT EXISTS international_minutes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE subscriber ADD COLUMN IF NOT EXISTS device VARCHAR(128) NOT NULL DEFAULT '';
CREATE INDEX IF NOT EXISTS subscriber_boss_service_idx ON subscriber (boss_service) WHERE boss_service <> '';
CREATE UNIQUE INDEX IF NOT EXISTS dbaliases_boss_idx ON dbaliases (alias_username, alias_domain);

ALTER TABLE acc_cdrs ADD COLUMN IF NOT EXISTS service VARCHAR(64) NOT NULL DEFAULT '';
ALTER TABLE acc_cdrs ADD COLUMN IF NOT EXISTS caller VARCHAR(128) NOT NULL DEFAULT '';
ALTER TABLE acc_cdrs ADD COLUMN IF NOT EXISTS callee VARCHAR(128) NOT NULL DEFAULT '';
ALTER TABLE acc_cdrs ADD COLUMN IF NOT EXISTS callid VARCHAR(255) NOT NULL DEFAULT '';
-- Filled in only by BOSS, for a call it cut: the server itself writes nothing then.
ALTER TABLE acc_cdrs ADD COLUMN IF NOT EXISTS cut_by_boss VARCHAR(300);
-- Which transaction wrote the row: readers know exactly what was committed since they last looked.
ALTER TABLE acc_cdrs ADD COLUMN IF NOT EXISTS written XID8 NOT NULL DEFAULT pg_current_xact_id();
CREATE UNIQUE INDEX IF NOT EXISTS acc_cdrs_cut_idx ON acc_cdrs (cut_by_boss);
CREATE INDEX IF NOT EXISTS acc_cdrs_callid_idx ON acc_cdrs (callid);
CREATE INDEX IF NOT EXISTS acc_cdrs_written_idx ON acc_cdrs (written);

-- One record for each call: where BOSS cut it and wrote one, a second by the server itself is not taken.
CREATE OR REPLACE FUNCTION boss_one_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.cut_by_boss IS NULL AND NEW.callid <> '' AND EXISTS (
        SELECT 1 FROM acc_cdrs WHERE callid = NEW.callid AND cut_by_boss IS NOT NULL
    ) THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER boss_one_record BEFORE INSERT ON acc_cdrs FOR EACH ROW EXECUTE FUNCTION boss_one_record();
