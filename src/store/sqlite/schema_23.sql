-- Files that customers' messages hold: what is known of each. Their contents lie in a folder, under their SHA-256. `open` while
-- something is left to do.

CREATE TABLE media (
    id         TEXT NOT NULL PRIMARY KEY,
    user_id    TEXT NOT NULL,
    message    TEXT NOT NULL,
    kind       TEXT NOT NULL,
    source     TEXT NOT NULL,
    at         INTEGER NOT NULL,
    state      TEXT NOT NULL,
    open       INTEGER NOT NULL,
    tries      INTEGER NOT NULL,
    next_at    INTEGER NOT NULL,
    mime       TEXT,
    size       INTEGER,
    sha256     TEXT,
    transcript TEXT,
    order_id   TEXT,
    error      TEXT
) STRICT;
CREATE INDEX media_open ON media (open, next_at);
-- The latest first, and of several files of one moment the first: in the order in which the messages hold them.
CREATE INDEX media_user ON media (user_id, at DESC);
CREATE INDEX media_order ON media (order_id, at) WHERE order_id IS NOT NULL;
CREATE INDEX media_content ON media (sha256) WHERE sha256 IS NOT NULL;
CREATE INDEX media_at ON media (at) WHERE open = 0;
