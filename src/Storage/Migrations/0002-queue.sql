-- Kept for the queue's own tables; this text changes nothing.
UPDATE meta SET value = value WHERE name = 'schema';
