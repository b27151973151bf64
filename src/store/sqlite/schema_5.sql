-- What the team's figures are counted from. Times are microseconds since 1970 UTC.

-- Orders are added up in the order of this index, without their table and without sorting.
CREATE INDEX orders_figures ON order_details
    (platform, category, rating, placed_at, delayed, delivery_minutes, value_paise, refund_requested);
-- A period of everything is read customer by customer; the text of a message is never needed for it.
CREATE INDEX chats_figures ON chats (user_id, id, role, at, turn, intent, sentiment, response_ms);
-- Does all that the smaller one did.
DROP INDEX chats_user;
