-- Whether the bot goes on answering while the alert is pending: it tells of something, and asks for nobody.
ALTER TABLE human_intervention_alerts ADD COLUMN bot_answers INTEGER NOT NULL DEFAULT 0;
