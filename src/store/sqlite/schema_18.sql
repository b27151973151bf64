-- What is known of the forms of order ids, as JSON: one row, and none before the ids were looked at.
CREATE TABLE order_id_forms (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    forms TEXT NOT NULL
) STRICT;
