-- Refunds by their state, as pages and lists ask for them, and those of one customer, as each offer counts them.

CREATE INDEX refunds_state ON refunds (state, at);
CREATE INDEX refunds_actor ON refunds (actor, at);
