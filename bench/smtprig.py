"""An SMTP generator and an SMTP sink that write down when each message was taken, and the DNS that leads to the sink.

smtprig.py send PORT SESSIONS MESSAGES OCTETS TIMES RECIPIENT...   "{n}" in a recipient is the number of the message
smtprig.py sink TIMES ADDRESS:PORT... [--tarpit ADDRESS:PORT...] [--dns PORT --domains N --tarpits N --dead N]

Message n has "Subject: n". TIMES is a file of lines "n seconds" by the clock that all processes of the machine share.
The sink prints the number of messages taken so far once a second, and "ready" at first. Its DNS knows dN.test for each N
under --domains: the first --tarpits of them lead to an address that takes connections and says nothing, the next --dead
to one where nothing listens, the others to the first address.
"""
import re
import selectors
import socket
import struct
import sys
import time

SUBJECT = re.compile(rb"Subject: (\d+)")


class Times:
    def __init__(self, path):
        self.file, self.lines, self.count = open(path, "w", buffering=1 << 16), [], 0

    def add(self, number):
        self.file.write(f"{number} {time.monotonic():.6f}\n")
        self.count += 1

    def close(self):
        self.file.close()


def read_times(path):
    first = {}
    with open(path) as f:
        for line in f:
            number, at = line.split()
            first.setdefault(int(number), float(at))
    return first


class Sender:
    """One session: each message is a transaction of pipelined commands, then its text."""

    def __init__(self, rig):
        self.rig, self.in_text, self.rest = rig, False, b""
        self.socket = socket.create_connection(("127.0.0.1", rig.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.state = "greeting"

    def lines(self):
        got = self.socket.recv(65536)
        if not got:
            raise SystemExit("sender: the server closed")
        *whole, self.rest = (self.rest + got).split(b"\r\n")
        return [line for line in whole if line[3:4] != b"-"]

    def ready(self):
        for line in self.lines():
            if line[:1] not in b"23":
                raise SystemExit(f"sender: {self.state}: {line!r}")
            if self.state == "greeting":
                self.state = "hello"
                self.socket.sendall(b"EHLO sender.test\r\n")
            elif self.state == "hello":
                if not self.begin():
                    return False
            elif self.state == "envelope":
                self.wait -= 1
                if self.wait == 0:
                    self.state = "text"
                    self.socket.sendall(self.rig.text(self.number))
            elif self.state == "text":
                self.rig.times.add(self.number)
                if not self.begin():
                    return False
        return True

    def begin(self):
        self.number = self.rig.next()
        if self.number is None:
            self.socket.sendall(b"QUIT\r\n")
            self.socket.close()
            return False
        to = self.rig.recipients
        commands = [b"MAIL FROM:<sender@example.test>"] + [b"RCPT TO:<" + r.replace(b"{n}", b"%d" % self.rig.place(self.number)) + b">" for r in to] + [b"DATA"]
        self.wait, self.state = len(commands), "envelope"
        self.socket.sendall(b"\r\n".join(commands) + b"\r\n")
        return True


class Generator:
    def __init__(self, port, sessions, messages, octets, times, recipients, spread):
        self.port, self.messages, self.recipients, self.spread = port, messages, [r.encode() for r in recipients], spread
        self.given, self.times = 0, Times(times)
        line = b"The quick brown fox jumps over the lazy dog, again and again and again.\r\n"
        self.body = (line * (octets // len(line) + 1))[:octets - 200] + b"\r\n.\r\n"
        watch = selectors.DefaultSelector()
        for _ in range(sessions):
            sender = Sender(self)
            watch.register(sender.socket, selectors.EVENT_READ, sender)
        while watch.get_map():
            for key, _ in watch.select():
                if not key.data.ready():
                    watch.unregister(key.fileobj)
        self.times.close()

    def next(self):
        if self.given == self.messages:
            return None
        self.given += 1
        return self.given - 1

    def place(self, number):
        """Which domain the message goes to: all in turn."""
        return number % self.spread

    def text(self, number):
        return b"From: sender@example.test\r\nTo: rcpt@d.test\r\nSubject: %d\r\nMessage-ID: <%d@sender.test>\r\nDate: Sat, 21 Nov 2026 12:00:00 +0000\r\n\r\n" % (number, number) + self.body


class Receiver:
    """One session of the sink."""

    def __init__(self, rig, connection):
        self.rig, self.socket, self.buffer, self.in_text = rig, connection, b"", False
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(b"220 sink ESMTP\r\n")

    def ready(self):
        try:
            got = self.socket.recv(1 << 16)
        except OSError:
            return False
        if not got:
            return False
        self.buffer += got
        out = []
        while True:
            if self.in_text:
                end = self.buffer.find(b"\r\n.\r\n")
                if end < 0:
                    break
                match = SUBJECT.search(self.buffer, 0, 4096)
                self.rig.times.add(int(match.group(1)) if match else -1)
                self.buffer, self.in_text = self.buffer[end + 5:], False
                out.append(b"250 2.0.0 taken\r\n")
                continue
            end = self.buffer.find(b"\r\n")
            if end < 0:
                break
            verb, self.buffer = self.buffer[:4].upper(), self.buffer[end + 2:]
            if verb == b"EHLO":
                out.append(b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 100000000\r\n")
            elif verb == b"DATA":
                out.append(b"354 go on\r\n")
                self.in_text = True
                if self.buffer.startswith(b".\r\n"):
                    self.buffer, self.in_text = self.buffer[3:], False
                    out.append(b"554 5.6.0 empty\r\n")
            elif verb == b"QUIT":
                self.socket.sendall(b"".join(out) + b"221 2.0.0 bye\r\n")
                return False
            else:
                out.append(b"250 2.0.0 ok\r\n")
        if out:
            try:
                self.socket.sendall(b"".join(out))
            except OSError:
                return False
        return True


def name_at(packet, at):
    labels = []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]])
        at += 1 + packet[at]
    return labels, at + 1


class Sink:
    def __init__(self, times, good, tarpits, dns=None, domains=0, tarpit_domains=0, dead_domains=0):
        self.times, self.watch = Times(times), selectors.DefaultSelector()
        self.bounds = (tarpit_domains, tarpit_domains + dead_domains, domains)
        for address in good:
            self.listen(address, Receiver)
        for address in tarpits:
            self.listen(address, None)
        if dns:
            self.dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.dns.bind(("127.0.0.1", dns))
            self.watch.register(self.dns, selectors.EVENT_READ, self.answer)
        print("ready", flush=True)
        told, shown = time.monotonic(), -1
        held = []
        while True:
            for key, _ in self.watch.select(0.5):
                if isinstance(key.data, Receiver):
                    if not key.data.ready():
                        self.watch.unregister(key.fileobj)
                        key.fileobj.close()
                elif key.fileobj is getattr(self, "dns", None):
                    self.answer()
                else:
                    connection, _ = key.fileobj.accept()
                    if key.data is None:
                        held.append(connection)  # a tarpit: it is let in, and nobody speaks to it
                    else:
                        self.watch.register(connection, selectors.EVENT_READ, Receiver(self, connection))
            if time.monotonic() - told >= 0.5 and self.times.count != shown:
                told, shown = time.monotonic(), self.times.count
                self.times.file.flush()
                print(shown, flush=True)

    def listen(self, address, kind):
        host, _, port = address.rpartition(":")
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((host, int(port)))
        s.listen(1024)
        self.watch.register(s, selectors.EVENT_READ, kind)

    def answer(self):
        packet, client = self.dns.recvfrom(2000)
        labels, end = name_at(packet, 12)
        kind = struct.unpack(">H", packet[end:end + 2])[0]
        question = packet[12:end + 4]
        number = int(labels[-2][1:]) if len(labels) >= 2 and labels[-2][1:].isdigit() else -1
        record = None
        if 0 <= number < self.bounds[2]:
            if kind == 15 and len(labels) == 2:
                record = struct.pack(">H", 10) + b"\x02mx\xc0\x0c"
            elif kind == 1 and len(labels) == 3:
                record = socket.inet_aton("127.0.0." + ("3" if number < self.bounds[0] else "4" if number < self.bounds[1] else "2"))
        answers = b"" if record is None else b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 3600, len(record)) + record
        known = 0 <= number < self.bounds[2]
        head = packet[:2] + struct.pack(">HHHHH", 0x8180 | (0 if known else 3), 1, 1 if answers else 0, 0, 0)
        self.dns.sendto(head + question + answers, client)


def main():
    kind, arguments = sys.argv[1], sys.argv[2:]
    if kind == "send":
        port, sessions, messages, octets = map(int, arguments[:4])
        spread = int(arguments[6]) if arguments[5] == "--spread" else 1
        recipients = arguments[7:] if arguments[5] == "--spread" else arguments[5:]
        Generator(port, sessions, messages, octets, arguments[4], recipients, spread)
        return
    lists, now, numbers = {"good": [], "--tarpit": []}, "good", {}
    words = iter(arguments[1:])
    for word in words:
        if word == "--tarpit":
            now = word
        elif word.startswith("--"):
            numbers[word[2:]] = int(next(words))
        else:
            lists[now].append(word)
    Sink(arguments[0], lists["good"], lists["--tarpit"], numbers.get("dns"), numbers.get("domains", 0), numbers.get("tarpits", 0), numbers.get("dead", 0))


if __name__ == "__main__":
    main()
