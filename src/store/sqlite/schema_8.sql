-- Who was told of which alert: one row for each way of telling. `until` is when somebody else may take it on, in
-- microseconds since 1970 UTC; NULL once it is done.
CREATE TABLE alert_notices (
    alert_id TEXT NOT NULL,
    way TEXT NOT NULL,
    until INTEGER,
    PRIMARY KEY (alert_id, way)
) STRICT, WITHOUT ROWID;
-- They go with their alert, whoever removes it.
CREATE TRIGGER alert_notices_gone AFTER DELETE ON human_intervention_alerts
BEGIN
    DELETE FROM alert_notices WHERE alert_id = OLD.id;
END;
