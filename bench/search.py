"""Searching one mailbox of many messages: a client that counts, and mail with words as people use them."""
import itertools
import os
import pwd
import random
import re
import socket
import time

RARE = "zyzzyvaquark"
SYLLABLES = "ba co di fu ga he ji ko lu ma ne po qua ri so tu ve wi xa yo za ster ing tion ment".split()


def words(count=20000):
    """Words with two to four syllables; the same at every run."""
    dice = random.Random(7)
    return ["".join(dice.choice(SYLLABLES) for _ in range(dice.randint(2, 4))) for _ in range(count)]


def messages(count, octets, every):
    """Mail of about so many octets; each word is the rarer the higher its number. One in `every` has the rare word."""
    dice, names = random.Random(11), words()
    weights = list(itertools.accumulate(1 / (n + 2) for n in range(len(names))))
    for n in range(count):
        text = dice.choices(names, cum_weights=weights, k=octets // 8)
        if n % every == every // 2:
            text[len(text) // 2] = RARE
        lines = "\r\n".join(" ".join(text[i:i + 10]) for i in range(0, len(text), 10))
        yield (f"Received: from host{n % 97}.remote.test by mx.example.test with ESMTP id {dice.randrange(1 << 60):x}\r\n"
               f"From: {text[0]} <{text[1]}@remote.test>\r\nTo: user1@example.test\r\nSubject: {' '.join(text[2:8])}\r\n"
               f"Date: Sat, 3 Jan 2026 10:00:00 +0000\r\nMessage-ID: <{dice.randrange(1 << 80):x}@remote.test>\r\n"
               f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{lines}\r\n").encode()


class Imap:
    """Just enough of a client to search; it takes answers as they come."""

    def __init__(self, port, user, password):
        self.socket = socket.create_connection(("127.0.0.1", port), 600)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest, self.tags = b"", 0
        self._line()
        self.command(f"LOGIN {user} {password}")

    def _line(self):
        while b"\n" not in self.rest:
            got = self.socket.recv(1 << 16)
            if not got:
                raise SystemExit("IMAP: closed")
            self.rest += got
        line, _, self.rest = self.rest.partition(b"\n")
        return line

    def command(self, text, literals=()):
        """The untagged lines of a command. Literals are sent one after the other when they are asked for."""
        self.tags += 1
        tag, lines, waiting = b"a%d" % self.tags, [], iter(literals)
        self.socket.sendall(tag + b" " + text.encode() + b"\r\n")
        while True:
            line = self._line()
            if line.startswith(b"+"):
                self.socket.sendall(next(waiting))
            elif line.startswith(tag):
                if b" OK" not in line:
                    raise SystemExit(f"IMAP: {text[:40]}: {line!r}")
                return lines
            else:
                lines.append(line)

    def append(self, batch):
        """Several messages in one command (RFC 3502)."""
        pieces = [m + (b" {%d}\r\n" % len(batch[i + 1]) if i + 1 < len(batch) else b"\r\n") for i, m in enumerate(batch)]
        self.command("APPEND INBOX {%d}" % len(batch[0]), pieces)

    def search(self, query):
        return re.findall(rb"\d+", b" ".join(self.command("SEARCH " + query)))


def fill_maildir(directory, count, octets, every):
    owner = pwd.getpwnam("nobody")
    for sub in ("", "/new", "/cur", "/tmp"):
        os.makedirs(directory + sub, exist_ok=True)
        os.chown(directory + sub, owner.pw_uid, owner.pw_gid)
    for n, message in enumerate(messages(count, octets, every)):
        path = f"{directory}/cur/{1700000000 + n}.M{n}.bench:2,S"
        with open(path, "wb") as f:
            f.write(message)
        os.chown(path, owner.pw_uid, owner.pw_gid)


def fill_ours(server, user, count, octets, every):
    client, batch = Imap(server.imap, *server.login(user)), []
    for message in messages(count, octets, every):
        batch.append(message)
        if len(batch) == 250:
            client.append(batch)
            batch = []
    if batch:
        client.append(batch)


def times(server, user, query, hits, rounds):
    """Seconds of each round, on one session, after one round that does not count."""
    client = Imap(server.imap, *server.login(user))
    client.command("SELECT INBOX")
    took = []
    for n in range(rounds + 1):
        began = time.monotonic()
        found = client.search(query)
        if n:
            took.append(time.monotonic() - began)
        if len(found) != hits:
            raise SystemExit(f"{server.name}: {query} found {len(found)} messages and not {hits}")
    return took
