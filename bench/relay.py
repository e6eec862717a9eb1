"""Mail through a server to others: how much, at what cost, and whether bad destinations hold up good ones."""
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import smtprig

HERE = os.path.dirname(os.path.abspath(__file__))


class CountingSinks:
    """Postfix's smtp-sink on each of the ports; counts what they took."""

    def __init__(self, ports):
        self.counts, self.processes = [0] * len(ports), []
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        for i, port in enumerate(ports):
            process = subprocess.Popen(["/usr/sbin/smtp-sink", "-c", *user, f"127.0.0.1:{port}", "1024"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            self.processes.append(process)
            threading.Thread(target=self.read, args=(i, process), daemon=True).start()

    def read(self, i, process):
        # It rewrites one line: "sess=N quit=N mesg=N", a number for each message.
        tail = b""
        while got := os.read(process.stdout.fileno(), 65536):
            tail = (tail + got)[-200:]
            at = tail.rfind(b"mesg=", 0, tail.rfind(b"\r") if b"\r" in tail[1:] else None)
            digits = tail[at + 5:].split()[:1]
            if at >= 0 and digits and digits[0].isdigit():
                self.counts[i] = max(self.counts[i], int(digits[0]))

    def total(self):
        return sum(self.counts)

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait()


def send(port, sessions, messages, octets, times, recipients, spread=1):
    return subprocess.Popen([sys.executable, f"{HERE}/smtprig.py", "send", str(port), str(sessions), str(messages), str(octets), times,
                             "--spread", str(spread), *recipients])


def relay(server, sinks, sessions, messages, octets, recipients):
    """One round; the clock stops when the sinks have everything. Returns (messages/s, CPU s per 1000 messages)."""
    with tempfile.TemporaryDirectory() as d:
        before, cpu, began = sinks.total(), server.cage.cpu(), time.monotonic()
        client = send(server.port, sessions, messages, octets, f"{d}/sent", recipients)
        wanted = before + messages * len(recipients)
        while sinks.total() < wanted:
            if time.monotonic() - began > 300:
                raise SystemExit(f"{server.name}: {sinks.total() - before} of {wanted - before} messages came through")
            if client.poll():
                raise SystemExit(f"{server.name}: the client failed")
            time.sleep(0.005)
        wall = time.monotonic() - began
        client.wait()
        # What a server does after the last delivery belongs to it as well.
        time.sleep(0.3)
        return messages / wall, (server.cage.cpu() - cpu) / messages * 1000


class Destinations:
    """A sink for many domains, with tarpits and dead ones, and the DNS for them."""

    def __init__(self, port, dns, domains, tarpits, dead):
        self.d = tempfile.mkdtemp()
        self.process = subprocess.Popen([sys.executable, f"{HERE}/smtprig.py", "sink", f"{self.d}/came", f"127.0.0.2:{port}", "--tarpit", f"127.0.0.3:{port}",
                                         "--dns", str(dns), "--domains", str(domains), "--tarpits", str(tarpits), "--dead", str(dead)],
                                        stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()
        self.count = 0
        threading.Thread(target=self.follow, daemon=True).start()

    def follow(self):
        for line in self.process.stdout:
            self.count = int(line)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def remove(self):
        shutil.rmtree(self.d)


def latencies(make_server, port, dns, messages, domains, tarpits, dead):
    """
    Sends to all domains in turn; seconds from the 250 to the sink for each message to a good domain, sorted, and how many
    of those came. The last 100 domains are the good ones that are looked at: they are the same in every run.
    """
    there = Destinations(port, dns, domains, tarpits, dead)
    server = make_server()
    try:
        server.start()
        client = send(server.port, 50, messages, 4096, f"{there.d}/sent", ["rcpt@d{n}.test"], domains)
        good = [n for n in range(messages) if n % domains >= tarpits + dead]
        end = None
        while there.count < len(good):
            time.sleep(0.2)
            if client.poll() is not None:
                end = end or time.monotonic() + 120
                if time.monotonic() > end:
                    break
        client.wait()
        time.sleep(1)
        there.stop()
        sent, came = smtprig.read_times(f"{there.d}/sent"), smtprig.read_times(f"{there.d}/came")
        took = sorted(came[n] - sent[n] for n in good if n in came and n in sent)
        return took, len(good)
    finally:
        server.stop()
        there.stop()
        there.remove()
