-- Folders of other servers that were copied from, so that the next copy brings only what is new. source: who at which server.
CREATE TABLE imports (
  id           {identity},
  account_id   BIGINT NOT NULL,
  source       TEXT NOT NULL,
  folder       TEXT NOT NULL,
  uid_validity BIGINT NOT NULL,
  UNIQUE (account_id, source, folder)
);

-- A message that was copied: its UID there, its place here, its flags there when they were last looked at.
CREATE TABLE imported (
  import_id  BIGINT NOT NULL,
  uid        BIGINT NOT NULL,
  mailbox_id BIGINT NOT NULL,
  local_uid  BIGINT NOT NULL,
  flags      TEXT NOT NULL,
  PRIMARY KEY (import_id, uid)
) {clustered};

-- Directories that an account is copied to. format: 1 Maildir, 2 mbox. every: microseconds. failure: empty when the last run was well.
CREATE TABLE archives (
  id         {identity},
  account_id BIGINT NOT NULL,
  directory  TEXT NOT NULL,
  format     BIGINT NOT NULL,
  every      BIGINT NOT NULL,
  due        BIGINT NOT NULL,
  finished   BIGINT,
  failure    TEXT NOT NULL,
  created    BIGINT NOT NULL,
  UNIQUE (account_id, directory)
);

-- A place whose message was written to an archive, read again and found right. hash: SHA-256 of all its octets.
CREATE TABLE archived (
  archive_id BIGINT NOT NULL,
  mailbox_id BIGINT NOT NULL,
  uid        BIGINT NOT NULL,
  file       TEXT NOT NULL,
  hash       {bytes} NOT NULL,
  PRIMARY KEY (archive_id, mailbox_id, uid)
) {clustered};

-- How long mail is kept in a mailbox (microseconds since it came into it). archived: only what an archive has goes.
CREATE TABLE retentions (
  id         {identity},
  account_id BIGINT NOT NULL,
  mailbox    TEXT NOT NULL,
  keep       BIGINT NOT NULL,
  archived   BIGINT NOT NULL,
  created    BIGINT NOT NULL,
  UNIQUE (account_id, mailbox)
);
