-- Times are microseconds since 1970 (UTC), truth values 0 or 1, sizes octets. Rows name each other by id; no engine checks
-- that (it would cost a look-up for each row of each delivery), `posthorn store verify` does.

CREATE TABLE meta (
  name  TEXT PRIMARY KEY,
  value BIGINT NOT NULL
);
INSERT INTO meta (name, value) VALUES ('schema', 1);
INSERT INTO meta (name, value) VALUES ('directory', 0);

CREATE TABLE secrets (
  name  TEXT PRIMARY KEY,
  value {bytes} NOT NULL
);

CREATE TABLE domains (
  id       {identity},
  name     TEXT NOT NULL UNIQUE,
  alias_of BIGINT,
  enabled  BIGINT NOT NULL,
  created  BIGINT NOT NULL
);

-- change: the one counter that is MODSEQ and JMAP state. used, messages: what its messages add up to.
-- uid_validity: the last one given to any of its mailboxes, so that none ever repeats.
CREATE TABLE accounts (
  id            {identity},
  domain_id     BIGINT NOT NULL,
  local_part    TEXT NOT NULL,
  name          TEXT NOT NULL,
  password_hash TEXT,
  enabled       BIGINT NOT NULL,
  quota         BIGINT NOT NULL,
  used          BIGINT NOT NULL,
  messages      BIGINT NOT NULL,
  change        BIGINT NOT NULL,
  uid_validity  BIGINT NOT NULL,
  language      TEXT NOT NULL,
  scram_salt    {bytes} NOT NULL,
  created       BIGINT NOT NULL,
  UNIQUE (domain_id, local_part)
);

CREATE TABLE aliases (
  id      {identity},
  pattern TEXT NOT NULL UNIQUE,
  targets TEXT NOT NULL,
  enabled BIGINT NOT NULL,
  created BIGINT NOT NULL
);

CREATE TABLE app_passwords (
  id         {identity},
  account_id BIGINT NOT NULL,
  name       TEXT NOT NULL,
  hash       {bytes} NOT NULL,
  stored_key {bytes} NOT NULL,
  server_key {bytes} NOT NULL,
  iterations BIGINT NOT NULL,
  scopes     TEXT NOT NULL,
  expires    BIGINT,
  last_used  BIGINT,
  created    BIGINT NOT NULL
);
CREATE INDEX app_passwords_account ON app_passwords (account_id);

CREATE TABLE mailboxes (
  id             {identity},
  account_id     BIGINT NOT NULL,
  name           TEXT NOT NULL,
  role           BIGINT NOT NULL,
  uid_validity   BIGINT NOT NULL,
  uid_next       BIGINT NOT NULL,
  highest_modseq BIGINT NOT NULL,
  messages       BIGINT NOT NULL,
  unseen         BIGINT NOT NULL,
  size           BIGINT NOT NULL,
  subscribed     BIGINT NOT NULL,
  UNIQUE (account_id, name)
);

-- A body. pack 0: a file of its own. refs: messages and queued messages that need it; a row without any is deleted.
CREATE TABLE blobs (
  id     {rowid},
  hash   {bytes} NOT NULL UNIQUE,
  pack   BIGINT NOT NULL,
  start  BIGINT NOT NULL,
  length BIGINT NOT NULL,
  refs   BIGINT NOT NULL
);

-- The immutable message (a JMAP Email). id = account id * 2^40 + the change number of its arrival: it lies beside the other
-- messages of its account, and is never given twice.
CREATE TABLE messages (
  id        {key},
  blob_id   BIGINT NOT NULL,
  prefix    {bytes} NOT NULL,
  structure {bytes} NOT NULL,
  received  BIGINT NOT NULL,
  size      BIGINT NOT NULL,
  trace     BIGINT NOT NULL,
  thread_id BIGINT NOT NULL
);

-- A message's place in a mailbox, with all that IMAP's scans ask for, in UID order. modseq: number of its last change.
-- Flags and keywords of a message are the same in all its places (JMAP knows one set).
CREATE TABLE placements (
  mailbox_id BIGINT NOT NULL,
  uid        BIGINT NOT NULL,
  message_id BIGINT NOT NULL,
  flags      BIGINT NOT NULL,
  keywords   TEXT,
  modseq     BIGINT NOT NULL,
  created    BIGINT NOT NULL,
  size       BIGINT NOT NULL,
  received   BIGINT NOT NULL,
  saved      BIGINT NOT NULL,
  PRIMARY KEY (mailbox_id, uid)
) {clustered};
CREATE INDEX placements_message ON placements (message_id);

CREATE TABLE changes (
  account_id BIGINT NOT NULL,
  number     BIGINT NOT NULL,
  kind       BIGINT NOT NULL,
  mailbox_id BIGINT NOT NULL,
  uid        BIGINT NOT NULL,
  message_id BIGINT NOT NULL,
  PRIMARY KEY (account_id, number)
) {clustered};

CREATE TABLE queue_messages (
  id           {identity},
  trace        BIGINT NOT NULL,
  reverse_path TEXT NOT NULL,
  blob_id      BIGINT NOT NULL,
  prefix       {bytes} NOT NULL,
  sender       BIGINT NOT NULL,
  body         TEXT NOT NULL,
  smtp_utf8    BIGINT NOT NULL,
  return_part  TEXT,
  envelope_id  TEXT,
  size         BIGINT NOT NULL,
  received     BIGINT NOT NULL
);
CREATE INDEX queue_messages_trace ON queue_messages (trace);

-- lease_*: who works on it until when; a result counts only with the generation it was leased under.
CREATE TABLE queue_recipients (
  id                 {identity},
  message_id         BIGINT NOT NULL,
  address            TEXT NOT NULL,
  original           TEXT NOT NULL,
  notify             TEXT,
  original_recipient TEXT,
  state              BIGINT NOT NULL,
  due                BIGINT NOT NULL,
  attempts           BIGINT NOT NULL,
  last_reply         TEXT NOT NULL,
  lease_owner        TEXT,
  lease_generation   BIGINT NOT NULL,
  lease_until        BIGINT
);
CREATE INDEX queue_recipients_due ON queue_recipients (state, due);
CREATE INDEX queue_recipients_message ON queue_recipients (message_id);

-- The story of a message; trace rises with time, so that rows are appended.
CREATE TABLE events (
  trace      BIGINT NOT NULL,
  id         BIGINT NOT NULL,
  happened   BIGINT NOT NULL,
  kind       BIGINT NOT NULL,
  account_id BIGINT NOT NULL,
  detail     TEXT NOT NULL,
  PRIMARY KEY (trace, id)
) {clustered};
