-- What an agreement rests on beside its words. Times are microseconds since 1970 UTC.

-- `context` is JSON: the message that it replies to, and whether it was forwarded; none where it is neither.
ALTER TABLE inbox ADD COLUMN context TEXT;

-- When the channel accepted or delivered it, by the channel's clock; none where it did not tell.
ALTER TABLE outbox ADD COLUMN sent_at INTEGER;
