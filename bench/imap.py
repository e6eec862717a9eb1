"""IMAP as clients use it: the costly commands on one large mailbox, and twenty clients that mix all of them."""
import itertools
import multiprocessing
import random
import re
import socket
import time

import search

CLIENTS = 20
SHARED = 4  # accounts of the second form of the mix: each has five clients
MIX = [f"mix{n}" for n in range(1, CLIENTS + 1)]
FILLED = 500  # messages in each mailbox of the mix
FLAGS = (r"\Seen", r"\Flagged", r"\Answered")
COMMANDS = {"flags": 20, "envelope": 18, "body": 15, "store": 12, "unseen": 5, "subject": 4, "append": 6, "copy": 4, "remove": 4, "noop": 5, "status": 4, "list": 1, "select": 2}


class Client:
    """Answers are taken as octets and not looked at, so that the client costs little beside the server."""

    def __init__(self, server, user):
        self.socket = socket.create_connection(("127.0.0.1", server.imap), 300)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.name, self.tags, self.refused, self.plus = server.name, 0, False, False
        while not self.socket.recv(4096).endswith(b"\r\n"):
            pass
        self.plus = b"LITERAL+" in self.run("LOGIN {} {}".format(*server.login(user)))

    def run(self, text, literals=(), may_refuse=False):
        """
        All octets of the answer to a command, with the tagged line at its end. Literals go along at once where the server
        lets them (RFC 7888), and are asked for one by one where it does not.
        """
        self.tags += 1
        tag = b"Z%dq" % self.tags
        line = [tag + b" " + text.encode()]
        for literal in literals:
            ahead = self.plus or len(literal) <= 4096
            line.append(b" {%d%s}\r\n" % (len(literal), b"+" if ahead else b""))
            if not ahead:
                self.socket.sendall(b"".join(line))
                line = []
                while not (asked := self.socket.recv(4096)).endswith(b"\r\n"):
                    pass
                if not asked.startswith(b"+"):
                    raise SystemExit(f"{self.name}: {text[:60]}: {asked!r}")
            line.append(literal)
        self.socket.sendall(b"".join(line) + b"\r\n")
        pieces, end, mark = [], b"\r\n", b"\r\n" + tag + b" "
        while True:
            got = self.socket.recv(1 << 19)
            if not got:
                raise SystemExit(f"{self.name}: {text[:60]}: closed")
            pieces.append(got)
            # The tagged line may have been cut anywhere, but it is the last one and it is short.
            end = (end + got)[-4096:]
            at = end.rfind(mark)
            if at >= 0 and end.endswith(b"\r\n"):
                break
        answer = end[at + len(mark):]
        self.refused = answer.startswith(b"NO")
        if not answer.startswith(b"OK") and not (may_refuse and self.refused):
            raise SystemExit(f"{self.name}: {text[:60]}: {answer!r}")
        return b"".join(pieces)

    def append(self, mailbox, messages):
        """One message, or several in one command (RFC 3502)."""
        return self.run(f"APPEND {mailbox}", messages)

    def count(self, mailbox):
        return int(re.search(rb"MESSAGES (\d+)", self.run(f"STATUS {mailbox} (MESSAGES)")).group(1))

    def close(self):
        self.socket.close()


def timed(work):
    began = time.monotonic()
    result = work()
    return time.monotonic() - began, result


def alternate(servers, rounds, prepare, work, check, unmeasured=2):
    """Seconds of each round by server, the servers in turn; what a round gave is checked behind the clock."""
    took = {server: [] for server in servers}
    for n in range(rounds + unmeasured):
        for server in servers:
            prepared = prepare(server, n)
            seconds, result = timed(lambda: work(server, n, prepared))
            check(server, n, result)
            if n >= unmeasured:
                took[server].append(seconds)
    return took


def expect(server, what, found, wanted):
    if found != wanted:
        raise SystemExit(f"{server.name}: {what}: {found} and not {wanted}")


def nothing(*_):
    return None


class Large:
    """The measures on one mailbox of so many messages; each gives its seconds by server."""

    def __init__(self, servers, user, count, rounds):
        self.servers, self.user, self.count, self.rounds = servers, user, count, rounds
        self.clients = {server: Client(server, user) for server in servers}
        for server, client in self.clients.items():
            expect(server, "EXISTS", int(re.search(rb"(\d+) EXISTS", client.run("SELECT INBOX")).group(1)), count)
            client.run(r"STORE 1:* FLAGS.SILENT (\Seen)")

    def _alternate(self, work, lines, what, prepare=nothing, rounds=0):
        return alternate(self.servers, rounds or self.rounds, prepare, work, lambda server, n, answer: expect(server, what, answer.count(b" FETCH ("), lines))

    def select(self, login):
        def work(server, n, client):
            client = client or Client(server, self.user)
            return client, client.run("SELECT INBOX")

        def check(server, n, result):
            expect(server, "SELECT", int(re.search(rb"(\d+) EXISTS", result[1]).group(1)), self.count)
            result[0].close()
        return alternate(self.servers, max(self.rounds, 15), nothing if login else lambda server, n: Client(server, self.user), work, check)

    def fetch(self, items):
        return self._alternate(lambda server, n, _: self.clients[server].run(f"FETCH 1:* {items}"), self.count, items)

    def bodies(self, uids, most=1000):
        def work(server, n, _):
            first = (n * 7919) % max(1, self.count - most)
            return self.clients[server].run(f"UID FETCH {uids[server][first]}:{uids[server][first + most - 1]} BODY.PEEK[]")
        return self._alternate(work, most, "bodies")

    def uids(self):
        return {server: [int(uid) for uid in re.findall(rb"\d+", client.run("UID SEARCH ALL").partition(b"\r\n")[0])] for server, client in self.clients.items()}

    def store(self, most, silent=""):
        """A flag is set in one round and taken away in the next, so that each one changes all the messages."""
        work = lambda server, n, _: self.clients[server].run(rf"STORE 1:{most} {'-' if n % 2 else '+'}FLAGS{silent} (\Flagged)")
        return self._alternate(work, 0 if silent else most, "STORE", rounds=2 * self.rounds)

    def append(self, batches, many):
        """Into a mailbox that is made anew for each round, with messages that were never there before."""
        def prepare(server, n):
            client = self.clients[server]
            client.run("DELETE Into", may_refuse=True)
            client.run("CREATE Into")
            return next(batches)

        def work(server, n, batch):
            if many:
                self.clients[server].append("Into", batch)
            else:
                for message in batch:
                    self.clients[server].append("Into", [message])
            return len(batch)
        return alternate(self.servers, self.rounds, prepare, work, lambda server, n, sent: expect(server, "APPEND", self.clients[server].count("Into"), sent), unmeasured=1)

    def close(self):
        for client in self.clients.values():
            client.close()


def new_messages(each):
    """Batches of 4 kB messages, no two of them the same."""
    source = search.messages(1 << 40, 4096, 1 << 40)
    while True:
        yield [b"X-Bench: new\r\n" + message for message in itertools.islice(source, each)]


class Mixer:
    """One client of the mix. It removes only what it has put there itself, so that the counts at the end are known."""

    def __init__(self, server, user, seed, alone):
        self.client, self.dice, self.seed, self.alone = Client(server, user), random.Random(seed), seed, alone
        self.messages = list(itertools.islice(search.messages(50, 2048, 1 << 40), 50))
        self.words = search.words()[:300]
        self.mine, self.exists = [], 0
        self.put, self.removed, self.copied, self.refused = 0, 0, 0, 0
        self.select()

    def heard(self, answer):
        for number, what in re.findall(rb"\* (\d+) (EXISTS|EXPUNGE)\r\n", answer):
            self.exists = int(number) if what == b"EXISTS" else self.exists - 1
        return answer

    def run(self, text):
        answer = self.heard(self.client.run(text, may_refuse=not self.alone))
        self.refused += self.client.refused
        return answer

    def select(self):
        self.heard(self.client.run("SELECT INBOX"))

    def range(self, most):
        first = self.dice.randint(1, max(1, self.exists - most))
        return f"{first}:{min(first + most - 1, self.exists)}"

    def step(self):
        kind = self.dice.choices(list(COMMANDS), COMMANDS.values())[0]
        if kind == "flags":
            self.run(f"FETCH {self.range(50)} (FLAGS UID RFC822.SIZE)")
        elif kind == "envelope":
            self.run(f"FETCH {self.range(20)} (UID FLAGS ENVELOPE)")
        elif kind == "body":
            self.run(f"FETCH {self.range(3)} (UID BODY.PEEK[])")
        elif kind == "store":
            self.run(f"STORE {self.range(5)} {self.dice.choice('+-')}FLAGS ({self.dice.choice(FLAGS)})")
        elif kind == "unseen":
            self.run("SEARCH " + self.dice.choice(("UNSEEN", "FLAGGED UNANSWERED", "SEEN")))
        elif kind == "subject":
            self.run(f"SEARCH SUBJECT {self.dice.choice(self.words)}")
        elif kind == "append" or kind == "remove" and not self.mine:
            message = b"X-Mix: %d.%d\r\n" % (self.seed, self.put) + self.dice.choice(self.messages)
            answer = self.heard(self.client.append("INBOX", [message]))
            self.mine.append(int(re.search(rb"APPENDUID \d+ (\d+)", answer).group(1)))
            self.put += 1
        elif kind == "copy":
            code = re.search(rb"COPYUID \d+ (\S+) ", self.run(f"COPY {self.range(3)} Copies"))
            for part in code.group(1).split(b",") if code else ():
                first, _, last = part.partition(b":")
                self.copied += int(last or first) - int(first) + 1
        elif kind == "remove":
            self.run(rf"UID STORE {self.mine.pop()} +FLAGS.SILENT (\Deleted)")
            self.run("EXPUNGE")
            self.removed += 1
            return 2
        elif kind == "status":
            self.run("STATUS Copies (MESSAGES UNSEEN UIDNEXT)")
        elif kind == "list":
            self.run('LIST "" *')
        elif kind == "select":
            self.select()
        else:
            self.run("NOOP")
        return 1


def _mixer(server, user, seed, alone, commands, ready, done, results):
    mixer = Mixer(server, user, seed, alone)
    ready.wait()
    ran = 0
    while ran < commands:
        ran += mixer.step()
    done.wait()
    results.put((user, ran, mixer.put, mixer.removed, mixer.copied, mixer.refused))


def fill(server, user, messages):
    client = Client(server, user)
    while batch := list(itertools.islice(messages, 500)):
        client.append("INBOX", batch)
    client.close()


def fill_mix(server):
    messages = list(search.messages(FILLED, 2048, 1 << 40))
    for user in MIX:
        client = Client(server, user)
        client.append("INBOX", messages)
        client.run("CREATE Copies")
        client.close()


def mix(server, users, commands, seed):
    """Commands/s and the share of refused ones of twenty clients, each a process, shared out over the users."""
    before = {user: _counts(server, user) for user in users}
    context = multiprocessing.get_context("fork")
    ready, done, results = context.Barrier(CLIENTS + 1), context.Barrier(CLIENTS + 1), context.Queue()
    alone = len(users) == CLIENTS
    clients = [context.Process(target=_mixer, args=(server, users[n % len(users)], seed * CLIENTS + n, alone, commands, ready, done, results), daemon=True) for n in range(CLIENTS)]
    for client in clients:
        client.start()
    ready.wait(60)
    took, _ = timed(lambda: done.wait(240))
    told = [results.get(timeout=60) for _ in clients]
    for client in clients:
        client.join()
    for user in users:
        own = [t for t in told if t[0] == user]
        put, removed, copied = (sum(t[i] for t in own) for i in (2, 3, 4))
        client = Client(server, user)
        client.run("SELECT INBOX")
        client.run("EXPUNGE")  # what another session's EXPUNGE ran before
        client.close()
        expect(server, f"the mailboxes of {user}", _counts(server, user), (before[user][0] + put - removed, before[user][1] + copied))
    ran = sum(t[1] for t in told)
    return ran / took, sum(t[5] for t in told) / ran


def _counts(server, user):
    client = Client(server, user)
    counts = client.count("INBOX"), client.count("Copies")
    client.close()
    return counts
