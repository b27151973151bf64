-- What the team pins to conversations (tags, snoozes, mentions), and what members keep for themselves, which is about no customer.

CREATE TABLE pins (
    user_id TEXT NOT NULL,
    kind    TEXT NOT NULL,
    name    TEXT NOT NULL,
    by      TEXT NOT NULL,
    at      INTEGER NOT NULL,
    until   INTEGER,
    PRIMARY KEY (user_id, kind, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX pins_name ON pins (kind, name, at);
CREATE INDEX pins_kind ON pins (kind, at);
CREATE INDEX pins_at ON pins (at);

CREATE TABLE team_entries (
    kind  TEXT NOT NULL,
    owner TEXT NOT NULL,
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    at    INTEGER NOT NULL,
    PRIMARY KEY (kind, owner, name)
) STRICT, WITHOUT ROWID;

-- What customers were asked about the team's work, once for each alert, and what they answered.
CREATE TABLE ratings (
    alert_id    TEXT NOT NULL PRIMARY KEY,
    user_id     TEXT NOT NULL,
    agent       TEXT NOT NULL,
    asked_at    INTEGER NOT NULL,
    score       TEXT,
    answered_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX ratings_user ON ratings (user_id);
CREATE INDEX ratings_at ON ratings (asked_at);
