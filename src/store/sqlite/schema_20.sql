-- Questions of customers that no document of the shop answered.

CREATE TABLE knowledge_gaps (
    user_id TEXT NOT NULL,
    turn INTEGER NOT NULL,
    question TEXT NOT NULL,
    text TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (user_id, turn, question)
) WITHOUT ROWID;
CREATE INDEX knowledge_gaps_at ON knowledge_gaps (at);
