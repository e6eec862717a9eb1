-- message_quota: messages an account may have; 0 for no bound. scram_keys: StoredKey and ServerKey of its password (RFC 5802),
-- made with its salt and so many rounds; they go whenever salt or password change. folders: 1 once its special folders were made.
-- thread_next, thread_end: messages with ids from the first to below the second have no thread yet.
ALTER TABLE accounts ADD COLUMN message_quota BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN scram_keys {bytes} NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN scram_rounds BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN folders BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN thread_next BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN thread_end BIGINT NOT NULL DEFAULT 0;
UPDATE accounts SET folders = 1 WHERE EXISTS (SELECT 1 FROM mailboxes m WHERE m.account_id = accounts.id AND m.role > 1);
UPDATE accounts SET thread_next = id * 1099511627776, thread_end = id * 1099511627776 + change + 1 WHERE messages > 0;

-- Which thread a message id leads to. link: 64 bits of a hash over a message id and the subject that the thread has.
-- message_id: the last message that named it; without that message the row may go.
CREATE TABLE thread_links (
  account_id BIGINT NOT NULL,
  link       BIGINT NOT NULL,
  thread_id  BIGINT NOT NULL,
  message_id BIGINT NOT NULL,
  PRIMARY KEY (account_id, link)
) {clustered};
-- Most messages begin a thread of their own, and are found by their id.
CREATE INDEX messages_thread ON messages (thread_id) WHERE thread_id <> id;
