-- The inbox and the outbox. Times are microseconds since 1970 UTC.

-- `seq` is the order of arrival; `content` is JSON; `turn` is the turn that answered the message.
CREATE TABLE inbox (
    seq         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    user_id     TEXT NOT NULL,
    sent_at     INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    content     TEXT NOT NULL,
    turn        INTEGER
);
CREATE INDEX inbox_waiting ON inbox (user_id, sent_at, seq) WHERE turn IS NULL;

-- One row for each customer who ever wrote. `due_at`: when the conversation may be claimed; while it is in work, the end
-- of the lease; none where there is nothing to do. `worker`: who holds it.
CREATE TABLE work (
    user_id   TEXT PRIMARY KEY NOT NULL,
    due_at    INTEGER,
    worker    TEXT,
    fence     INTEGER NOT NULL,
    attempts  INTEGER NOT NULL,
    arrivals  INTEGER NOT NULL,
    parked_at INTEGER,
    error     TEXT
) WITHOUT ROWID;
CREATE INDEX work_due ON work (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX work_parked ON work (parked_at) WHERE parked_at IS NOT NULL;

-- `head`: 1 for the customer's earliest message that is neither sent nor parked: only that one may be claimed.
CREATE TABLE outbox (
    user_id     TEXT NOT NULL,
    turn        INTEGER NOT NULL,
    sequence    INTEGER NOT NULL,
    body        TEXT NOT NULL,
    state       TEXT NOT NULL,
    attempts    INTEGER NOT NULL,
    next_at     INTEGER NOT NULL,
    provider_id TEXT,
    error       TEXT,
    head        INTEGER NOT NULL,
    PRIMARY KEY (user_id, turn, sequence)
) WITHOUT ROWID;
CREATE INDEX outbox_due ON outbox (next_at) WHERE head = 1;
CREATE INDEX outbox_unsent ON outbox (user_id, turn, sequence) WHERE state IN ('queued', 'sending');
CREATE INDEX outbox_parked ON outbox (next_at) WHERE state = 'parked';
