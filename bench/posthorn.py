"""Posthorn as a server under measurement: one configured server below a directory, one account per user."""
import json
import os
import resource
import subprocess
import time

from gauge import Cage
from load import Pop3
from peers import wait_for_port

REPOSITORY = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def program():
    named = os.environ.get("POSTHORN_DLL")
    return os.path.abspath(named) if named else f"{REPOSITORY}/src/Posthorn/bin/Release/net10.0/posthorn.dll"


class Posthorn:
    name = "Posthorn"
    password = "correct-horse-battery"

    def __init__(self, root, base, users, sinks=None, dns=None, delivery=None):
        """sinks: domains with the loopback port that a route leads them to; dns: a resolver's port; delivery: options."""
        self.root, self.users = f"{root}/posthorn", users
        self.smtp, self.port, self.submissions, self.pop3, self.pop3s, self.imap, self.imaps = (base + p for p in (25, 25, 465, 110, 995, 143, 993))
        os.makedirs(self.root)
        self.config = f"{self.root}/posthorn.json"
        limits = {"connections": 20000, "connectionsPerAddress": 20000, "connectionsPerNetwork": 20000, "connectionRate": 1000000}
        with open(self.config, "w") as f:
            json.dump({
                "hostname": "mx.example.test",
                "dataDirectory": "data",
                "listeners": [
                    {"protocol": "smtp", "address": f"127.0.0.1:{self.smtp}"},
                    {"protocol": "submissions", "address": f"127.0.0.1:{self.submissions}"},
                    {"protocol": "pop3", "address": f"127.0.0.1:{self.pop3}", "plaintextLogin": "loopback"},
                    {"protocol": "imap", "address": f"127.0.0.1:{self.imap}", "plaintextLogin": "loopback"},
                    {"protocol": "pop3s", "address": f"127.0.0.1:{self.pop3s}"},
                    {"protocol": "imaps", "address": f"127.0.0.1:{self.imaps}"},
                ],
                "relay": {"trustedNetworks": ["127.0.0.0/8"]},
                "limits": limits,
                **({"dns": {"servers": [f"127.0.0.1:{dns}"]}} if dns else {}),
                **({"delivery": delivery} if delivery else {}),
                "log": {"file": f"{self.root}/log"},
            }, f)
        with open(os.open(f"{self.root}/password", os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
            f.write(self.password + "\n")
        self.verb("domain", "add", "example.test")
        self.more(users)
        for domain, port in (sinks or {}).items():
            self.verb("route", "add", domain, f"smtp:127.0.0.1:{port}")
        self.cage = None

    def verb(self, *words):
        done = subprocess.run(["dotnet", program(), *words, "--config", self.config], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"posthorn {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def more(self, users):
        for user in users:
            self.verb("account", "add", f"{user}@example.test", "--password-file", f"{self.root}/password")

    def start(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        self.cage = Cage("posthorn")
        began = time.monotonic()
        self.cage.launch(["prlimit", f"--nofile={hard}:{hard}", "dotnet", program(), "serve", "--config", self.config],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(self.smtp, 30)
        wait_for_port(self.pop3, 30)
        return time.monotonic() - began

    def login(self, user):
        return f"{user}@example.test", self.password

    def arrived(self, user):
        client = Pop3(self.pop3, *self.login(user))
        count = client.count()
        client.quit()
        return count

    def empty(self):
        for user in self.users:
            client = Pop3(self.pop3, *self.login(user))
            client.delete(client.count())
            client.quit()

    def stop(self):
        if self.cage:
            self.cage.stop()
