-- What readings rest on, and what people corrected of them. Times are microseconds since 1970 UTC.

-- From 0 to 1, where the message itself was read. `reused`: an earlier reading was used again. `degraded`: the playbook
-- wrote the reply because the language model could not. Nothing is known of older messages.
ALTER TABLE chats ADD COLUMN intent_confidence REAL;
ALTER TABLE chats ADD COLUMN sentiment_confidence REAL;
ALTER TABLE chats ADD COLUMN reused INTEGER;
ALTER TABLE chats ADD COLUMN degraded INTEGER;
-- The same as before, with the new columns: the text of a message is never needed to count it.
DROP INDEX chats_figures;
CREATE INDEX chats_figures ON chats
    (user_id, id, role, at, turn, intent, sentiment, response_ms, intent_confidence, reused, degraded);
CREATE INDEX chats_unsure ON chats (intent_confidence) WHERE intent_confidence IS NOT NULL;

-- `message`: the beginning of the SHA-256 of the text. `actor`: who corrected it last.
CREATE TABLE corrections (
    user_id             TEXT NOT NULL,
    turn                INTEGER NOT NULL,
    message             TEXT NOT NULL,
    text                TEXT NOT NULL,
    said_at             INTEGER NOT NULL,
    predicted_intent    TEXT,
    predicted_sentiment TEXT,
    intent              TEXT,
    sentiment           TEXT,
    actor               TEXT NOT NULL,
    at                  INTEGER NOT NULL,
    PRIMARY KEY (user_id, turn, message)
) WITHOUT ROWID;
CREATE INDEX corrections_said ON corrections (said_at);
