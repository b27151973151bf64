-- Of several files of one webhook, which came first; what a service saw in a photo, as JSON.
ALTER TABLE media ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
ALTER TABLE media ADD COLUMN seen TEXT;
-- The latest first, and of several files of one moment in the order in which they were sent.
DROP INDEX media_user;
CREATE INDEX media_user ON media (user_id, at DESC, place);
DROP INDEX media_order;
CREATE INDEX media_order ON media (order_id, at DESC, place) WHERE order_id IS NOT NULL;

-- By which name a folder of media files is this store's, and no other's.
CREATE TABLE media_owner (
    id   INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL
) STRICT;
