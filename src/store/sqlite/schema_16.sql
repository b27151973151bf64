-- 16
-- Events of the shop, and their ways to its endpoints. Times are microseconds since 1970 UTC.

-- `fanned_out`: whether its dispatches are made. `content` is the event as JSON.
CREATE TABLE events (
    seq        INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    at         INTEGER NOT NULL,
    user_id    TEXT,
    content    TEXT NOT NULL,
    fanned_out INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX events_new ON events (seq) WHERE fanned_out = 0;
CREATE INDEX events_user ON events (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX events_at ON events (at) WHERE fanned_out = 1;

-- `waived`: attempts from before somebody retried it. `next_at`: when it may be claimed; while it is being sent, the end of the lease; then when it was delivered or parked.
CREATE TABLE event_dispatches (
    event_id TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    state    TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    waived   INTEGER NOT NULL DEFAULT 0,
    next_at  INTEGER NOT NULL,
    error    TEXT,
    PRIMARY KEY (event_id, endpoint)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_dispatches_due ON event_dispatches (endpoint, next_at) WHERE state IN ('waiting', 'sending');
CREATE INDEX event_dispatches_parked ON event_dispatches (endpoint) WHERE state = 'parked';
CREATE TRIGGER event_removed AFTER DELETE ON events
BEGIN
    DELETE FROM event_dispatches WHERE event_id = old.id;
END;

-- Endpoints that want no more events; `target` is a digest of the address.
CREATE TABLE closed_endpoints (
    endpoint TEXT PRIMARY KEY NOT NULL,
    target   TEXT NOT NULL,
    at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
