-- Which way mail leaves. kind: 0 default, 1 by recipient, 2 by sender. transport, settings: texts of Posthorn.Accounts.
CREATE TABLE routes (
  id        {identity},
  kind      BIGINT NOT NULL,
  pattern   TEXT NOT NULL,
  transport TEXT NOT NULL,
  settings  TEXT NOT NULL,
  created   BIGINT NOT NULL,
  UNIQUE (kind, pattern)
);

-- forward_to: addresses parted by line ends; empty for none. forward_keep: whether the mailbox gets its copy too.
ALTER TABLE accounts ADD COLUMN forward_to TEXT NOT NULL DEFAULT '';
ALTER TABLE accounts ADD COLUMN forward_keep BIGINT NOT NULL DEFAULT 1;

-- Reverse-paths that are too long to be rewritten into themselves; used is when the last message went out with one.
CREATE TABLE reverse_paths (
  id      {identity},
  address TEXT NOT NULL UNIQUE,
  used    BIGINT NOT NULL
);
