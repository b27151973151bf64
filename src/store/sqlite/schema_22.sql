-- What the team writes that no customer sees: drafts, one for each person, customer and field, and internal notes.

CREATE TABLE drafts (
    user_id TEXT NOT NULL,
    by      TEXT NOT NULL,
    field   TEXT NOT NULL,
    text    TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (user_id, by, field)
) STRICT, WITHOUT ROWID;
CREATE INDEX drafts_by ON drafts (by, at);
CREATE INDEX drafts_at ON drafts (at);

CREATE TABLE notes (
    user_id TEXT NOT NULL,
    at      INTEGER NOT NULL,
    by      TEXT NOT NULL,
    text    TEXT NOT NULL,
    PRIMARY KEY (user_id, at, by, text)
) STRICT, WITHOUT ROWID;
CREATE INDEX notes_at ON notes (at);
