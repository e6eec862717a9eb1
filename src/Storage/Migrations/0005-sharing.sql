-- What others may do with a mailbox, as letters (RFC 4314). grantee_id: an account; 0 is anyone. The owner has no row.
CREATE TABLE mailbox_rights (
  mailbox_id BIGINT NOT NULL,
  grantee_id BIGINT NOT NULL,
  rights     TEXT NOT NULL,
  PRIMARY KEY (mailbox_id, grantee_id)
) {clustered};
CREATE INDEX mailbox_rights_grantee ON mailbox_rights (grantee_id);

-- Annotations (RFC 5464). mailbox_id: 0 for the server. account_id: whose private one it is; 0 is shared. name: in lower
-- case, without the scope in front.
CREATE TABLE annotations (
  mailbox_id BIGINT NOT NULL,
  account_id BIGINT NOT NULL,
  name       TEXT NOT NULL,
  value      {bytes} NOT NULL,
  PRIMARY KEY (mailbox_id, account_id, name)
) {clustered};

-- The key that an account signs URLs of a mailbox's messages with (RFC 4467).
CREATE TABLE url_keys (
  mailbox_id BIGINT NOT NULL,
  account_id BIGINT NOT NULL,
  secret     {bytes} NOT NULL,
  PRIMARY KEY (mailbox_id, account_id)
) {clustered};
