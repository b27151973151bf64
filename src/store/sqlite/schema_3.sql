-- What retention and forgetting need. Times are microseconds since 1970 UTC.

-- What is old is found by its age, what is one customer's by the customer.
CREATE INDEX chats_at ON chats (at);
CREATE INDEX inbox_answered ON inbox (received_at) WHERE turn IS NOT NULL;
CREATE INDEX inbox_user ON inbox (user_id);
CREATE INDEX outbox_sent ON outbox (next_at) WHERE state = 'sent';
CREATE INDEX alerts_resolved ON human_intervention_alerts (resolved_at) WHERE status = 'resolved';
CREATE INDEX alerts_user ON human_intervention_alerts (user_id);
CREATE INDEX quotes_user ON quotes (user_id);
CREATE INDEX bindings_user ON bindings (user_id);

-- Who removes what is old at the moment, until when nobody else begins, and what the last sweep came to (JSON).
CREATE TABLE retention (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    sweeper TEXT,
    until   INTEGER NOT NULL,
    last_at INTEGER,
    last    TEXT
);

-- Up to where entries of the audit trail were removed; an entry that is there holds the same.
CREATE TABLE audit_cut (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    seq      INTEGER NOT NULL,
    document TEXT NOT NULL
);
