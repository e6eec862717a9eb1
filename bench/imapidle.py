"""Holds many IMAP sessions in IDLE, says "ready" and then obeys its input, a word a line:

  tell    appends a message to the first user's INBOX; says the milliseconds until the first and the last of his sessions heard
  (end)   goes away without good-byes

imapidle.py CONNECTIONS PORT tls|plain PASSWORD USER...
"""
import os
import resource
import select
import socket
import ssl
import sys
import threading
import time

MESSAGE = b"From: a@remote.test\r\nTo: b@example.test\r\nSubject: hello\r\nDate: Sat, 3 Jan 2026 10:00:00 +0000\r\n\r\nhello\r\n"


def context():
    made = ssl.create_default_context()
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made


TLS = context()


class Session:
    def __init__(self, port, tls, number):
        # A few hundred connections from each address, as from many homes.
        source = f"127.1.{number // 200 % 250 + 1}.{number // 50000 + 1}"
        self.socket = socket.create_connection(("127.0.0.1", port), 120, (source, 0))
        if tls:
            self.socket = TLS.wrap_socket(self.socket)
        self.rest, self.heard = b"", 0.0
        self.until(b"* OK")

    def until(self, mark):
        """Reads up to the line that begins so."""
        while True:
            while b"\n" not in self.rest:
                got = self.socket.recv(8192)
                if not got:
                    raise OSError("closed")
                self.rest += got
            line, _, self.rest = self.rest.partition(b"\n")
            if line.startswith((b"* BYE", b"a NO", b"a BAD")):
                raise OSError(line.decode("latin-1"))
            if line.startswith(mark):
                return

    def command(self, text, mark=b"a OK"):
        self.socket.sendall(b"a " + text + b"\r\n")
        self.until(mark)

    def idle(self, user, password):
        self.command(f"LOGIN {user} {password}".encode())
        self.command(b"SELECT INBOX")
        self.command(b"IDLE", b"+")

    def listen(self):
        """Takes what is there."""
        try:
            while True:
                got = self.socket.recv(8192)
                if not got:
                    raise SystemExit("closed in IDLE")
                if b"EXISTS" in got:
                    self.heard = time.monotonic()
                if not isinstance(self.socket, ssl.SSLSocket) or not self.socket.pending():
                    return
        except (BlockingIOError, ssl.SSLWantReadError):
            pass


def tell(port, tls, user, password, sessions):
    """(first, last): milliseconds from before the APPEND until they knew."""
    writer, poll = Session(port, tls, 0), select.epoll()
    writer.command(f"LOGIN {user} {password}".encode())
    by_file = {s.socket.fileno(): s for s in sessions}
    for file in by_file:
        poll.register(file, select.EPOLLIN)
    for session in sessions:
        session.heard = 0.0
    began = time.monotonic()
    writer.command(b"APPEND INBOX {%d}" % len(MESSAGE), b"+")
    writer.socket.sendall(MESSAGE + b"\r\n")
    while not all(s.heard for s in sessions) and time.monotonic() < began + 60:
        for file, _ in poll.poll(1):
            by_file[file].listen()
    writer.until(b"a OK")
    poll.close()
    heard = [s.heard - began for s in sessions if s.heard]
    return min(heard) * 1000, (max(heard) if len(heard) == len(sessions) else 60) * 1000


def main():
    count, port, tls, password, users = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "tls", sys.argv[4], sys.argv[5:]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    held, lock, numbers = [], threading.Lock(), iter(range(count))

    def open_some():
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            try:
                session = Session(port, tls, number)
                session.idle(users[number % len(users)], password)
            except OSError as e:
                print("failed:", e, file=sys.stderr)
                return
            with lock:
                held.append((number % len(users), session))

    threads = [threading.Thread(target=open_some) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _, session in held:
        session.socket.setblocking(False)
    print("ready", len(held), flush=True)
    first_user = [s for n, s in held if n == 0]
    for line in sys.stdin:
        if line.strip() == "tell":
            print(*tell(port, tls, users[0], password, first_user), flush=True)
    os._exit(0)


main()
