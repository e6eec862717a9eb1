-- recent_uid: the first UID that no client has been told of as \Recent (RFC 3501 §2.3.2).
ALTER TABLE mailboxes ADD COLUMN recent_uid BIGINT NOT NULL DEFAULT 1;

-- Names subscribed to that no mailbox has: a subscription outlives its mailbox (RFC 9051 §6.3.7).
CREATE TABLE subscriptions (
  account_id BIGINT NOT NULL,
  name       TEXT NOT NULL,
  PRIMARY KEY (account_id, name)
) {clustered};
