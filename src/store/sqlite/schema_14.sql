-- Everything of an order, and finding it by what customers know of it.

-- `value_paise` is NULL where it is not known. `details` is JSON under the column names, with amounts as whole numbers of the
-- smallest unit, without what has a column here; NULL where there are none. `other_phones` is a JSON list. `display_key`:
-- the number that customers know, as it is compared. `updated_at`: milliseconds since 1970 UTC.
CREATE TABLE order_details_14 (
    order_id         TEXT PRIMARY KEY NOT NULL,
    customer_id      TEXT NOT NULL,
    platform         TEXT NOT NULL,
    placed           TEXT NOT NULL,
    placed_at        TEXT,
    delivery_minutes INTEGER,
    category         TEXT NOT NULL,
    value_paise      INTEGER,
    feedback         TEXT NOT NULL,
    rating           INTEGER,
    delayed          INTEGER,
    refund_requested INTEGER,
    phone            TEXT,
    date             TEXT,
    status           TEXT,
    details          TEXT,
    other_phones     TEXT,
    display_key      TEXT,
    updated_at       INTEGER
) WITHOUT ROWID;
INSERT INTO order_details_14
    SELECT order_id, customer_id, platform, placed, placed_at, delivery_minutes, category, value_paise, feedback, rating,
           delayed, refund_requested, phone, date, status, NULL, NULL, NULL, NULL
    FROM order_details;
DROP TABLE order_details;
ALTER TABLE order_details_14 RENAME TO order_details;
CREATE INDEX orders_figures ON order_details
    (platform, category, rating, placed_at, delayed, delivery_minutes, value_paise, refund_requested);
CREATE INDEX orders_shown ON order_details (display_key) WHERE display_key IS NOT NULL;

-- By the last digits of each telephone number of an order; '' where it has no date. Who reads it reads the numbers then:
-- what is left here of former ones does no harm.
CREATE TABLE order_phones (
    tail      TEXT NOT NULL,
    placed_at TEXT NOT NULL,
    order_id  TEXT NOT NULL,
    PRIMARY KEY (tail, placed_at, order_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX order_phones_order ON order_phones (order_id);
