-- Who wants no messages, from which number a reply leaves, and which attempts do not count. Times are microseconds since 1970
-- UTC.

-- Attempts that the set-up was to blame for.
ALTER TABLE outbox ADD COLUMN waived INTEGER NOT NULL DEFAULT 0;
CREATE INDEX outbox_undelivered ON outbox (user_id) WHERE state = 'parked';
-- The shop's number that a message was sent to.
ALTER TABLE inbox ADD COLUMN number TEXT;

-- `person`: SHA-256 of the identity. It stays when the customer is forgotten, `user_id` and `message` do not.
CREATE TABLE opt_outs (
    person  TEXT PRIMARY KEY NOT NULL,
    user_id TEXT,
    stopped INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    source  TEXT NOT NULL,
    message TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX opt_outs_user ON opt_outs (user_id) WHERE user_id IS NOT NULL;

CREATE TABLE tallies (
    name  TEXT PRIMARY KEY NOT NULL,
    count INTEGER NOT NULL,
    last  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
