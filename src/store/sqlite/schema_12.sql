-- What the customer knew of the order when it was bound; NULL: nothing was asked. Bindings of erased customers are nobody's.
ALTER TABLE bindings ADD COLUMN proof TEXT;
UPDATE bindings SET proof = 'erased' WHERE user_id LIKE 'erased/%';
-- Which customer writes under an identity. Without a row, an identity is its own customer.
CREATE TABLE identities (
    identity TEXT PRIMARY KEY NOT NULL,
    user_id  TEXT NOT NULL,
    at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX identities_user ON identities (user_id);
-- Numbers that customers gave up, by the channel's message that said so.
CREATE TABLE number_changes (
    event   TEXT PRIMARY KEY NOT NULL,
    old     TEXT NOT NULL,
    new     TEXT NOT NULL,
    user_id TEXT NOT NULL,
    at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX number_changes_user ON number_changes (user_id);
CREATE INDEX number_changes_old ON number_changes (old);
