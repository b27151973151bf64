-- What is proposed besides refunds, and which items of an order; a quote of before is for the refund of a whole order.

ALTER TABLE quotes ADD COLUMN kind TEXT NOT NULL DEFAULT 'refund';
ALTER TABLE quotes ADD COLUMN details TEXT;
ALTER TABLE refunds ADD COLUMN items TEXT;

-- What was done to orders. `key` is the same for the same wish, so that it is carried out once. No reference to order_details:
-- what was done stays when the orders are imported again.
CREATE TABLE actions (
    seq            INTEGER PRIMARY KEY,
    id             TEXT NOT NULL UNIQUE,
    key            TEXT NOT NULL UNIQUE,
    kind           TEXT NOT NULL,
    order_id       TEXT NOT NULL,
    user_id        TEXT,
    actor          TEXT NOT NULL,
    reason         TEXT NOT NULL,
    details        TEXT NOT NULL,
    amount_paise   INTEGER,
    currency       TEXT,
    transaction_id TEXT,
    at             INTEGER NOT NULL,
    done_by        TEXT,
    done_at        INTEGER
) STRICT;
CREATE INDEX actions_order ON actions (order_id, seq);
CREATE INDEX actions_user ON actions (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX actions_open ON actions (seq) WHERE done_at IS NULL;

-- Questions of customers that no document of the shop answered.

CREATE TABLE knowledge_gaps (
    user_id TEXT NOT NULL,
    turn INTEGER NOT NULL,
    question TEXT NOT NULL,
    text TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (user_id, turn, question)
) WITHOUT ROWID;
CREATE INDEX knowledge_gaps_at ON knowledge_gaps (at);
