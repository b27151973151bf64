-- Orders are found by the identifier that the shop's system uses inside: a webhook that says that one was deleted names nothing else.
ALTER TABLE order_details ADD COLUMN shop_id TEXT GENERATED ALWAYS AS
    (CASE WHEN json_valid(details) THEN details ->> '$."Shop Order ID"' END) VIRTUAL;
CREATE INDEX orders_shop ON order_details (shop_id) WHERE shop_id IS NOT NULL;
