"""A queue of very many messages: how soon a server that starts on it works, and what it costs in memory."""
import sqlite3
import time

import relay
from posthorn import Posthorn

PORT, DNS, DOMAINS = 17528, 17554, 1000
DELIVERY = {"port": PORT, "privateNetworks": ["127.0.0.0/8"]}


def fill(database, count):
    """Makes copies of the one queued message, all sharing its body: half of them overdue, half due within the next hours."""
    store = sqlite3.connect(database, isolation_level=None)
    now = int(time.time() * 1_000_000)
    store.execute("BEGIN")
    store.execute("UPDATE blobs SET refs = refs + ? WHERE id = (SELECT blob_id FROM queue_messages LIMIT 1)", (count,))
    store.execute("""
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
        INSERT INTO queue_messages (trace, reverse_path, blob_id, prefix, sender, body, smtp_utf8, return_part, envelope_id, size, received, trust, open)
        SELECT m.trace - ? + n.i, m.reverse_path, m.blob_id, m.prefix, m.sender, m.body, m.smtp_utf8, m.return_part, m.envelope_id, m.size, ? - n.i, m.trust, 1
        FROM n, (SELECT * FROM queue_messages LIMIT 1) m""", (count, count + 1, now))
    store.execute("""
        INSERT INTO queue_recipients (message_id, address, original, notify, original_recipient, state, due, attempts, last_reply, lease_generation, domain)
        SELECT id, 'rcpt@d' || (id % ?) || '.test', 'rcpt@d' || (id % ?) || '.test', NULL, NULL, 1, ? + (id % 2) * (id % 14400) * 1000000 - (1 - id % 2) * 1000000, 1, '451 4.7.1 later', 0, 'd' || (id % ?) || '.test'
        FROM queue_messages WHERE open = 1 AND id NOT IN (SELECT message_id FROM queue_recipients)""", (DOMAINS, DOMAINS, now, DOMAINS))
    store.execute("COMMIT")
    store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()


def measure(root, count):
    """
    (seconds from start to ready, to the first delivery, MB after ten seconds of delivering, MB of the same server after ten
    seconds of relaying to the same domains through an empty queue, MB of a server that has done nothing).
    """
    there = Destinations()
    server = Posthorn(f"{root}/empty", 18700, [], dns=DNS, delivery=DELIVERY)
    try:
        server.start()
        time.sleep(3)
        idle = server.cage.memory()
        client = relay.send(server.port, 50, 1_000_000, 4096, f"{root}/sent", ["rcpt@d{n}.test"], DOMAINS)
        there.wait()
        time.sleep(10)
        busy = server.cage.memory()
        client.terminate()
        client.wait()
        server.stop()

        server = Posthorn(f"{root}/full", 18700, [], dns=DNS, delivery=DELIVERY)
        server.verb("route", "default", "hold")
        server.start()
        if relay.send(server.port, 1, 1, 4096, f"{root}/sent", ["rcpt@d0.test"]).wait():
            raise SystemExit("the message to be copied was not taken")
        server.stop()
        server.verb("route", "default", "mx")
        began = time.monotonic()
        fill(f"{server.root}/data/meta.db", count)
        print(f"    filled in {time.monotonic() - began:.0f} s")

        there.again()
        began = time.monotonic()
        server.start()
        ready = time.monotonic() - began
        there.wait()
        first = time.monotonic() - began
        time.sleep(10)
        return ready, first, server.cage.memory(), busy, idle
    finally:
        server.stop()
        there.stop()


class Destinations:
    """The domains' one host; counts anew when asked."""

    def __init__(self):
        self.now = relay.Destinations(PORT, DNS, DOMAINS, 0, 0)

    def wait(self):
        end = time.monotonic() + 120
        while self.now.count == 0:
            time.sleep(0.02)
            if time.monotonic() > end:
                raise SystemExit("nothing was delivered within two minutes")

    def stop(self):
        self.now.stop()
        self.now.remove()

    def again(self):
        self.stop()
        self.now = relay.Destinations(PORT, DNS, DOMAINS, 0, 0)
