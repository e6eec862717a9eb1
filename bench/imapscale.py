"""Very many idle IMAP sessions, and a very large mailbox. The servers are of their own: 100 accounts, and limits that let the sessions in."""
import collections
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import time

from gauge import Cage
from peers import Dovecot, wait_for_port
from posthorn import Posthorn, REPOSITORY
from search import Imap

USERS = [f"idle{n}" for n in range(1, 101)]
LIMITS = """\
ssl = yes
ssl_cert = <{d}/cert.pem
ssl_key = <{d}/key.pem
mail_max_userip_connections = 100000
service imap-login {{
  client_limit = 20000
  inet_listener imaps {{
    address = 127.0.0.1
    port = {port}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 20000
}}
service auth {{
  client_limit = 60000
}}
service anvil {{
  client_limit = 60000
}}
"""


def ours(root):
    return Posthorn(root, 19000, USERS)


def dovecot(root):
    """Debian's Dovecot with TLS, and with room for so many sessions, which its defaults have not."""
    server = Dovecot(root, 19510, USERS)
    server.imaps = 19593
    os.makedirs(f"{root}/mail", exist_ok=True)
    shutil.chown(f"{root}/mail", "nobody")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=mx.example.test",
                    "-keyout", f"{server.d}/key.pem", "-out", f"{server.d}/cert.pem"], check=True, stderr=subprocess.DEVNULL)
    with open(f"{server.d}/dovecot.conf", "a") as f:
        f.write(LIMITS.format(d=server.d, port=server.imaps))
    return server


INSTANCES = "/proc/sys/fs/inotify/max_user_instances"


@contextlib.contextmanager
def watches():
    """Each Dovecot session that idles watches its mailbox by an inotify of its own, all of one user: lets there be enough, for a while."""
    with open(INSTANCES) as f:
        before = f.read()
    try:
        with open(INSTANCES, "w") as f:
            f.write("20000")
    except OSError:
        print("    fs.inotify.max_user_instances cannot be raised: Dovecot will poll")
        yield
        return
    try:
        yield
    finally:
        with open(INSTANCES, "w") as f:
            f.write(before)


# Sessions held; MB before and with them; ms from an APPEND until the first and the last session of the account knew.
Idle = collections.namedtuple("Idle", "held before pss rss first last")


def idle(server, count, tls, rounds=5):
    server.cage = Cage(server.name.lower())
    server.start()
    try:
        port = server.imaps if tls else server.imap
        wait_for_port(port)
        warm = Imap(server.imap, *server.login(USERS[0]))
        warm.command("SELECT INBOX")
        time.sleep(2)
        before = server.cage.memory("Pss")
        began = time.monotonic()
        holder = subprocess.Popen([sys.executable, f"{REPOSITORY}/bench/imapidle.py", str(count), str(port), "tls" if tls else "plain", server.password,
                                   *(server.login(u)[0] for u in USERS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            held = int(holder.stdout.readline().split()[1])
            print(f"    {server.name}: {held:,} sessions {'over TLS' if tls else 'in clear'} after {time.monotonic() - began:.0f} s")
            time.sleep(10)
            pss, rss = server.cage.memory("Pss"), server.cage.memory("Rss")
            took = []
            for _ in range(rounds):
                holder.stdin.write("tell\n")
                holder.stdin.flush()
                took.append([float(t) for t in holder.stdout.readline().split()])
                time.sleep(1)
            first, last = (statistics.median(t) for t in zip(*took))
            return Idle(held, before, pss, rss, first, last)
        finally:
            holder.stdin.close()
            holder.wait()
    finally:
        server.stop()


def fill(server, user, count):
    """Tiny messages, a thousand in a command (RFC 3502)."""
    client = Imap(server.imap, *server.login(user))
    for begin in range(0, count, 1000):
        batch = [b"From: a%d@remote.test\r\nSubject: n%d\r\n\r\n%d\r\n" % (n % 1000, n, n) for n in range(begin, min(begin + 1000, count))]
        text = b"".join(b" {%d+}\r\n%s" % (len(m), m) for m in batch)
        client.socket.sendall(b"f APPEND INBOX" + text + b"\r\n")
        while not (line := client._line()).startswith(b"f "):
            pass
        if not line.startswith(b"f OK"):
            raise SystemExit(f"{server.name}: APPEND: {line!r}")


def large(server, count, sessions=10):
    """(s of the first SELECT after start, s of the next ones, MB of the first session, MB of each further one)."""
    server.stop()
    server.start()
    time.sleep(2)
    user = server.login(USERS[0])
    first = Imap(server.imap, *user)
    before = server.cage.memory("Pss")
    began = time.monotonic()
    first.command("SELECT INBOX")
    cold = time.monotonic() - began
    time.sleep(2)
    one = server.cage.memory("Pss")
    others, warm = [], []
    for _ in range(sessions):
        others.append(Imap(server.imap, *user))
        began = time.monotonic()
        others[-1].command("SELECT INBOX")
        warm.append(time.monotonic() - began)
    time.sleep(2)
    return cold, statistics.median(warm), one - before, (server.cage.memory("Pss") - one) / sessions
