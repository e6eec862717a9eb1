"""The loads: mail in by Postfix's smtp-source, mail out by a POP3 client that pipelines."""
import socket
import ssl
import subprocess
import time


def send(port, users, sessions, messages, size, keep=False, timeout=180):
    """Starts one smtp-source per user, sessions and messages shared out; waits for all; returns what each user was sent."""
    chosen = users[:min(sessions, len(users))]
    share, processes = {}, []
    for k, user in enumerate(chosen):
        share[user] = messages // len(chosen) + (k < messages % len(chosen))
        own = sessions // len(chosen) + (k < sessions % len(chosen))
        argv = ["/usr/sbin/smtp-source", "-s", str(own), "-m", str(share[user]), "-l", str(size), "-f", "sender@remote.test",
                "-t", f"{user}@example.test"] + (["-d"] if keep else []) + [f"127.0.0.1:{port}"]
        processes.append(subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE))
    for process in processes:
        try:
            _, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise SystemExit("smtp-source did not end")
        if process.returncode:
            raise SystemExit("smtp-source: " + errors.decode()[-300:])
    return share


def inbound(server, sessions, messages, size, keep=False):
    """One round; the clock stops when every message can be read. Returns (messages/s, CPU s per 1000, accepted/s)."""
    server.empty()
    cpu, began = server.cage.cpu(), time.monotonic()
    share = send(server.port, server.users, sessions, messages, size, keep)
    accepted = time.monotonic() - began
    waiting = dict(share)
    while waiting:
        for user in list(waiting):
            if server.arrived(user) >= waiting[user]:
                del waiting[user]
        if waiting:
            if time.monotonic() - began > 240:
                raise SystemExit(f"{server.name}: messages did not arrive: {waiting}")
            time.sleep(0.02)
    wall = time.monotonic() - began
    used = server.cage.cpu() - cpu
    return messages / wall, used / messages * 1000, messages / accepted


class Pop3:
    """Just enough of a client to count; it never looks into a message."""

    def __init__(self, port, user, password, tls=False):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)
        self.rest = b""
        self._line()
        self.command(b"USER " + user.encode())
        self.command(b"PASS " + password.encode())

    def _line(self):
        while b"\n" not in self.rest:
            got = self.socket.recv(1 << 18)
            if not got:
                raise SystemExit("POP3: closed")
            self.rest += got
        line, _, self.rest = self.rest.partition(b"\n")
        if not line.startswith(b"+OK"):
            raise SystemExit(f"POP3: {line!r}")
        return line

    def command(self, text):
        self.socket.sendall(text + b"\r\n")
        return self._line()

    def count(self):
        return int(self.command(b"STAT").split()[1])

    def drain(self, answers):
        """Reads until that many multi-line answers ended; octets read. An answer ends at CRLF . CRLF."""
        tail, self.rest = self.rest, b""
        octets, ended = len(tail), tail.count(b"\r\n.\r\n")
        tail = tail[-4:]
        while ended < answers:
            got = self.socket.recv(1 << 18)
            if not got:
                raise SystemExit("POP3: closed")
            octets += len(got)
            window = tail + got
            ended += window.count(b"\r\n.\r\n")
            tail = window[-4:]
        return octets

    def uidl(self):
        self.socket.sendall(b"UIDL\r\n")
        self.drain(1)

    def retrieve(self, messages, window=100):
        """RETR 1..messages, a window of commands ahead of the answers."""
        sent, octets = 0, 0
        while sent < messages:
            batch = range(sent + 1, min(sent + window, messages) + 1)
            self.socket.sendall(b"".join(b"RETR %d\r\n" % n for n in batch))
            octets += self.drain(len(batch))
            sent += len(batch)
        return octets

    def delete(self, messages):
        for first in range(1, messages + 1, 500):
            batch = range(first, min(first + 500, messages + 1))
            self.socket.sendall(b"".join(b"DELE %d\r\n" % n for n in batch))
            for _ in batch:
                self._line()

    def quit(self):
        self.command(b"QUIT")
        self.socket.close()


def read_all(server, user, messages):
    """Login, UIDL, RETR of all, QUIT. Returns (messages/s, CPU s per 1000, MB/s)."""
    cpu, began = server.cage.cpu(), time.monotonic()
    client = Pop3(server.pop3, *server.login(user))
    client.uidl()
    octets = client.retrieve(messages)
    client.quit()
    wall = time.monotonic() - began
    if octets < messages * 1000:
        raise SystemExit(f"{server.name}: only {octets} octets came")
    return messages / wall, (server.cage.cpu() - cpu) / messages * 1000, octets / wall / 1e6
