-- Amounts are whole paise. Times are microseconds since 1970 UTC, `placed_at` is the shop's local time as ISO text.

CREATE TABLE order_details (
    order_id         TEXT PRIMARY KEY NOT NULL,
    customer_id      TEXT NOT NULL,
    platform         TEXT NOT NULL,
    placed           TEXT NOT NULL,
    placed_at        TEXT,
    delivery_minutes INTEGER,
    category         TEXT NOT NULL,
    value_paise      INTEGER NOT NULL,
    feedback         TEXT NOT NULL,
    rating           INTEGER,
    delayed          INTEGER,
    refund_requested INTEGER,
    phone            TEXT,
    date             TEXT,
    status           TEXT
) WITHOUT ROWID;

-- No reference to order_details: removing or importing orders again never opens a refund or a binding anew.
CREATE TABLE refunds (
    order_id       TEXT PRIMARY KEY NOT NULL,
    transaction_id TEXT NOT NULL UNIQUE,
    amount_paise   INTEGER NOT NULL,
    fee_paise      INTEGER NOT NULL,
    quote_id       TEXT,
    reason         TEXT NOT NULL,
    actor          TEXT NOT NULL,
    at             INTEGER NOT NULL
);
CREATE INDEX refunds_at ON refunds (at);

CREATE TABLE quotes (
    seq               INTEGER PRIMARY KEY,
    id                TEXT NOT NULL UNIQUE,
    order_id          TEXT NOT NULL,
    user_id           TEXT,
    order_value_paise INTEGER NOT NULL,
    amount_paise      INTEGER NOT NULL,
    fee_paise         INTEGER NOT NULL,
    turn              INTEGER,
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL
);
CREATE INDEX quotes_order ON quotes (order_id, user_id, created_at);

CREATE TABLE bindings (
    order_id TEXT PRIMARY KEY NOT NULL,
    user_id  TEXT NOT NULL,
    at       INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE lookups (
    user_id  TEXT NOT NULL,
    order_id TEXT NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (user_id, order_id)
) WITHOUT ROWID;

CREATE TABLE chats (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id     TEXT NOT NULL,
    role        TEXT NOT NULL,
    text        TEXT NOT NULL,
    at          INTEGER NOT NULL,
    turn        INTEGER NOT NULL,
    intent      TEXT,
    sentiment   TEXT,
    response_ms INTEGER
);
CREATE INDEX chats_user ON chats (user_id, id);

-- `document` is the conversation as JSON; `version` is the one that counts.
CREATE TABLE conversations (
    user_id  TEXT PRIMARY KEY NOT NULL,
    version  INTEGER NOT NULL,
    document TEXT NOT NULL
);

-- `priority`: 0 low, 1 medium, 2 high.
CREATE TABLE human_intervention_alerts (
    id           TEXT PRIMARY KEY NOT NULL,
    user_id      TEXT NOT NULL,
    reason       TEXT NOT NULL,
    last_message TEXT NOT NULL,
    priority     INTEGER NOT NULL,
    status       TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    resolved_at  INTEGER
);
CREATE UNIQUE INDEX alerts_pending ON human_intervention_alerts (user_id) WHERE status = 'pending';
CREATE INDEX alerts_urgency ON human_intervention_alerts ((status = 'pending') DESC, priority DESC, created_at);

CREATE TABLE audit (
    seq      INTEGER PRIMARY KEY,
    previous TEXT NOT NULL,
    hash     TEXT NOT NULL,
    content  TEXT NOT NULL
);

-- The end of the chain, kept apart from it: entries that were cut off the end are missed here.
CREATE TABLE audit_head (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    seq  INTEGER NOT NULL,
    hash TEXT NOT NULL
);
