-- Who looks after an alert, what was done about it, and what conversations are found by. Times are microseconds since 1970
-- UTC.

ALTER TABLE human_intervention_alerts ADD COLUMN assignee TEXT;
ALTER TABLE human_intervention_alerts ADD COLUMN claimed_at INTEGER;
ALTER TABLE human_intervention_alerts ADD COLUMN resolved_by TEXT;
ALTER TABLE human_intervention_alerts ADD COLUMN note TEXT;
ALTER TABLE human_intervention_alerts ADD COLUMN reopened_at INTEGER;
ALTER TABLE human_intervention_alerts ADD COLUMN reopened_by TEXT;

-- Only what a customer said was read for them, so these are small.
CREATE INDEX chats_intent ON chats (intent, at) WHERE intent IS NOT NULL;
CREATE INDEX chats_sentiment ON chats (sentiment, at) WHERE sentiment IS NOT NULL;

-- How much news came of sent messages: it changes no time of theirs, so nothing else tells that it came.
CREATE TABLE outbox_news (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    count INTEGER NOT NULL
);
INSERT INTO outbox_news VALUES (1, 0);
CREATE TRIGGER outbox_news_came AFTER UPDATE OF receipt ON outbox WHEN old.receipt IS NOT new.receipt
BEGIN
    UPDATE outbox_news SET count = count + 1;
END;
