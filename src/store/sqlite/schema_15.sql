-- How the money of a refund goes back (JSON; NULL: the ledger alone stands for it), and how far it is (JSON; NULL: paid when
-- it was recorded). `state`, `next_at` and `version` repeat what is asked for, and count.
ALTER TABLE refunds ADD COLUMN route TEXT;
ALTER TABLE refunds ADD COLUMN progress TEXT;
ALTER TABLE refunds ADD COLUMN state TEXT NOT NULL DEFAULT 'paid';
ALTER TABLE refunds ADD COLUMN next_at INTEGER;
ALTER TABLE refunds ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
CREATE INDEX refunds_due ON refunds (next_at) WHERE next_at IS NOT NULL;
