-- The end of the chain is signed, where the audit trail is: with this key, over its place and hash.
ALTER TABLE audit_head ADD COLUMN key TEXT;
ALTER TABLE audit_head ADD COLUMN mac TEXT;
