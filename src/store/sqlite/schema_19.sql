-- Which currency amounts are of. The columns `…_paise` hold minor units of that currency; what has none is in rupees.

ALTER TABLE quotes ADD COLUMN currency TEXT NOT NULL DEFAULT 'INR';
ALTER TABLE refunds ADD COLUMN currency TEXT NOT NULL DEFAULT 'INR';

-- Figures are counted along the index, so the currency of an order has to be in it.
ALTER TABLE order_details ADD COLUMN currency TEXT GENERATED ALWAYS AS
    (CASE WHEN json_valid(details) THEN details ->> '$.Currency' END) VIRTUAL;
DROP INDEX orders_figures;
CREATE INDEX orders_figures ON order_details
    (platform, category, rating, placed_at, delayed, delivery_minutes, value_paise, refund_requested, currency);
