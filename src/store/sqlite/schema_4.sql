-- What the channels with buttons and receipts need. Times are microseconds since 1970 UTC.

-- `waits_until`: how long the conversation waits at most for more messages of a burst; none where it was claimed since.
ALTER TABLE work ADD COLUMN waits_until INTEGER;

-- `answers` is JSON: which message it answers. `receipt`: the latest that the channel told of it.
ALTER TABLE outbox ADD COLUMN answers TEXT;
ALTER TABLE outbox ADD COLUMN receipt TEXT;
CREATE INDEX outbox_provider ON outbox (provider_id) WHERE provider_id IS NOT NULL;
