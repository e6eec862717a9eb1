-- The queue, for a scheduler. What came to its end stays for a while, so that it can be listed: it has a time in "finished",
-- and no index that the scheduler asks has it.

-- trust: see SenderTrust. open: recipients that have not come to their end; with the last of them the body is let go.
ALTER TABLE queue_messages ADD COLUMN trust BIGINT NOT NULL DEFAULT 0;
ALTER TABLE queue_messages ADD COLUMN open BIGINT NOT NULL DEFAULT 0;
ALTER TABLE queue_messages ADD COLUMN finished BIGINT;
UPDATE queue_messages SET open =
  (SELECT COUNT(*) FROM queue_recipients r WHERE r.message_id = queue_messages.id AND r.state NOT IN (4, 5, 6));
CREATE INDEX queue_messages_sender ON queue_messages (LOWER(reverse_path)) WHERE finished IS NULL;
CREATE INDEX queue_messages_finished ON queue_messages (finished) WHERE finished IS NOT NULL;

-- domain: that of the address, lower case. via: a transport that no route overrides. delay_told: when the sender was told
-- that it is late.
ALTER TABLE queue_recipients ADD COLUMN domain TEXT NOT NULL DEFAULT '';
ALTER TABLE queue_recipients ADD COLUMN via TEXT;
ALTER TABLE queue_recipients ADD COLUMN delay_told BIGINT;
ALTER TABLE queue_recipients ADD COLUMN finished BIGINT;
-- What follows the last @: all but the trailing characters that are not one.
UPDATE queue_recipients SET domain = LOWER(SUBSTR(address, LENGTH(RTRIM(address, REPLACE(address, '@', ''))) + 1));

-- Each recipient is in at most two of these, and in none once it came to its end. One that is queued with a lease and
-- delivered at the first attempt was only ever in the index of leases.
DROP INDEX queue_recipients_due;
CREATE INDEX queue_recipients_fresh ON queue_recipients (due, id) WHERE state = 1 AND attempts = 0;
CREATE INDEX queue_recipients_tried ON queue_recipients (due, id) WHERE state = 1 AND attempts > 0;
CREATE INDEX queue_recipients_domain_fresh ON queue_recipients (domain, due, id) WHERE state = 1 AND attempts = 0;
CREATE INDEX queue_recipients_domain_tried ON queue_recipients (domain, due, id) WHERE state = 1 AND attempts > 0;
CREATE INDEX queue_recipients_leased ON queue_recipients (id) WHERE state = 2;
CREATE INDEX queue_recipients_held ON queue_recipients (id) WHERE state = 3;
