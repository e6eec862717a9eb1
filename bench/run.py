"""Measures Posthorn beside Postfix and Dovecot, in turn within one run, and prints the table of medians.

bench/run [--rounds N] [--only NAME...] [--quick] [--write]
  --only    of: inbound50 inbound50keep inbound1 inbound100k relay50 relay2 pop3 search imap imapmix start idle imapidle imap1m fair queue1m
  --write   puts the table into bench/README.md
"""
import argparse
import contextlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time

import imap
import imapscale
import load
import million
import peers
import relay
import search
from gauge import median, spread
from posthorn import Posthorn, REPOSITORY

USERS = [f"user{n}" for n in range(1, 11)]
INBOUND = {  # name: (title, sessions, messages, octets, many messages per connection, wanted ratio, wanted CPU ratio)
    "inbound50": ("in, 4 KB, 50 sessions", 50, 4000, 4096, False, 4.0, 0.25),
    "inbound50keep": ("in, 4 KB, 50 sessions, connections kept", 50, 4000, 4096, True, 4.0, 0.25),
    "inbound1": ("in, 4 KB, 1 session", 1, 500, 4096, False, 2.0, None),
    "inbound100k": ("in, 100 KB, 10 sessions", 10, 600, 102400, False, 2.0, None),
}


SINKS = {"sink.test": 17525, "other.test": 17526}  # domain: port on loopback
RELAY = {  # name: (title, messages, recipients, wanted ratio)
    "relay50": ("relay, 4 KB, 50 sessions", 6000, ["rcpt@sink.test"], 3.0),
    "relay2": ("relay, 4 KB, 50 sessions, 2 domains each", 3000, ["rcpt@sink.test", "rcpt@other.test"], 2.0),
}


class Table:
    def __init__(self):
        self.rows = []

    def add(self, title, ours, theirs=None, unit="", wanted="", met=None, digits=0):
        ratio = f"{ours / theirs:.2f}" if theirs else ""
        mark = "" if met is None else ("yes" if met else "**no**")
        show = lambda v: "" if v is None else f"{v:,.{digits}f}"
        self.rows.append((title + (f", {unit}" if unit else ""), show(ours), show(theirs), ratio, wanted, mark))
        print(f"{self.rows[-1][0]:58} {self.rows[-1][1]:>12} {self.rows[-1][2]:>12} {ratio:>8} {wanted:>12} {mark}", flush=True)

    def markdown(self):
        head = "| measure | Posthorn | peer | ratio | wanted | met |\n|---|---:|---:|---:|---|---|\n"
        return head + "".join("| " + " | ".join(row) + " |\n" for row in self.rows)


def measure_inbound(table, ours, postfix, name, rounds, scale):
    title, sessions, messages, size, keep, wanted, wanted_cpu = INBOUND[name]
    messages = max(sessions, int(messages * scale))
    results = {ours: [], postfix: []}
    for server in results:
        load.inbound(server, sessions, max(sessions, messages // 4), size, keep)
    for _ in range(rounds):
        for server, runs in results.items():
            runs.append(load.inbound(server, sessions, messages, size, keep))
    rate = {s: median([r[0] for r in runs]) for s, runs in results.items()}
    cpu = {s: median([r[1] for r in runs]) for s, runs in results.items()}
    table.add(title, rate[ours], rate[postfix], "messages/s", f">= {wanted:g}", rate[ours] >= wanted * rate[postfix])
    table.add(title, cpu[ours], cpu[postfix], "CPU s per 1000", f"<= {wanted_cpu:g}" if wanted_cpu else "",
              cpu[ours] <= wanted_cpu * cpu[postfix] if wanted_cpu else None, digits=3)
    print("    spread of messages/s: " + ", ".join(f"{s.name} {spread([r[0] for r in runs]):.0f} %" for s, runs in results.items()))


def measure_relay(table, ours, postfix, sinks, name, rounds, scale):
    title, messages, recipients, wanted = RELAY[name]
    messages = max(200, int(messages * scale))
    results = {ours: [], postfix: []}
    for server in results:
        relay.relay(server, sinks, 50, messages // 3, 4096, recipients)
    for _ in range(rounds):
        for server, runs in results.items():
            runs.append(relay.relay(server, sinks, 50, messages, 4096, recipients))
    rate = {s: median([r[0] for r in runs]) for s, runs in results.items()}
    cpu = {s: median([r[1] for r in runs]) for s, runs in results.items()}
    table.add(title, rate[ours], rate[postfix], "messages/s", f">= {wanted:g}", rate[ours] >= wanted * rate[postfix])
    table.add(title, cpu[ours], cpu[postfix], "CPU s per 1000", "<= 0.33", cpu[ours] <= cpu[postfix] / 3, digits=3)
    print("    spread of messages/s: " + ", ".join(f"{s.name} {spread([r[0] for r in runs]):.0f} %" for s, runs in results.items()))


def measure_fair(table, root, scale):
    """100,000 messages to 1,000 domains, 50 of them tarpits and 50 dead, beside the same without those."""
    p95 = {}
    for bad in (0, 50):
        domains, messages = 900 + 2 * bad, int((90_000 + 200 * bad) * scale)
        directory = tempfile.mkdtemp(dir=root)
        # The options of a server that a user has, but for the port and the loopback networks of this rig.
        make = lambda: Posthorn(directory, 18500, [], dns=17553, delivery={"port": 17527, "privateNetworks": ["127.0.0.0/8"]})
        took, wanted = relay.latencies(make, 17527, 17553, messages, domains, bad, bad)
        if len(took) < wanted:
            print(f"    {wanted - len(took)} of {wanted} messages to good domains did not come through")
        p95[bad] = took[int(len(took) * 0.95)] if took else float("inf")
        print(f"    {'with' if bad else 'without'} bad domains: {len(took):,} messages, median {median(took or [0]):.3f} s, p95 {p95[bad]:.3f} s")
    title = f"{int(100_000 * scale):,} messages to 1,000 domains, 50 tarpits, 50 dead"
    table.add(f"{title}: p95 of the good", p95[50], p95[0], "s", "<= 1.2", p95[50] <= 1.2 * p95[0], digits=3)


def measure_million(table, root, scale):
    count = int(1_000_000 * scale)
    ready, first, memory, busy, idle = million.measure(tempfile.mkdtemp(dir=root), count)
    table.add(f"{count:,} queued: ready after start", ready, unit="s", wanted="<= 5", met=ready <= 5, digits=2)
    table.add(f"{count:,} queued: first delivery after start", first, unit="s", wanted="<= 10", met=first <= 10, digits=2)
    table.add(f"{count:,} queued: delivering, memory over relaying with an empty queue", memory - busy, unit="MB", wanted="<= 100", met=memory - busy <= 100)
    table.add(f"{count:,} queued: delivering, memory over an idle server", memory - idle, unit="MB")


def measure_pop3(table, ours, postfix, dovecot, rounds, scale):
    count = int(5000 * scale)
    for server in (ours, postfix):
        server.empty()
        load.send(server.port, USERS[:1], 10, count, 4096, keep=True)
        while server.arrived(USERS[0]) < count:
            time.sleep(0.1)
    results = {ours: [], dovecot: []}
    for server in results:
        load.read_all(server, USERS[0], count)
    for _ in range(max(rounds, 5)):
        for server, runs in results.items():
            runs.append(load.read_all(server, USERS[0], count))
    rate = {s: median([r[0] for r in runs]) for s, runs in results.items()}
    cpu = {s: median([r[1] for r in runs]) for s, runs in results.items()}
    table.add(f"POP3, {count:,} x 4 KB, UIDL + pipelined RETR", rate[ours], rate[dovecot], "messages/s", ">= 1.5", rate[ours] >= 1.5 * rate[dovecot])
    table.add(f"POP3, {count:,} x 4 KB, UIDL + pipelined RETR", cpu[ours], cpu[dovecot], "CPU s per 1000", digits=4)


def measure_search(table, ours, dovecot, root, rounds, scale):
    count, octets, every, user = int(50_000 * scale), 4096, 5000, USERS[1]
    hits = count // every
    search.fill_maildir(f"{root}/mail/{user}", count, octets, every)
    index = f"{ours.root}/data/search.db"
    ours.empty()
    began, cpu = time.monotonic(), ours.cage.cpu()
    search.fill_ours(ours, user, count, octets, every)
    status = lambda: json.loads(ours.verb("search", "status", "--json"))
    while status()["waiting"]:
        time.sleep(0.2)
    print(f"    filled and indexed in {time.monotonic() - began:.1f} s, {(ours.cage.cpu() - cpu) / count * 1000:.3f} CPU s per 1000")
    ours.verb("search", "rebuild")
    began, cpu = time.monotonic(), ours.cage.cpu()
    while (now := status())["waiting"] or not now["usable"]:
        time.sleep(0.5)
    took, cpu = time.monotonic() - began, ours.cage.cpu() - cpu
    size = sum(os.path.getsize(index + end) for end in ("", "-wal") if os.path.exists(index + end))
    table.add(f"search index of {count:,} x 4 KB made anew", took, unit="s", digits=1)
    table.add(f"search index of {count:,} x 4 KB made anew", cpu / count * 1000, unit="CPU s per 1000", digits=3)
    table.add(f"search index of {count:,} x 4 KB on disk", size / 1e6, unit="MB")
    for title, query, found in (("a rare word", f"TEXT {search.RARE}", hits), ("what is in none", "TEXT qwzxkjv", 0), ("a rare word", f"SUBJECT {search.RARE}", 0)):
        mine = median(search.times(ours, user, query, found, max(rounds, 5))) * 1000
        theirs = median(search.times(dovecot, user, query, found, rounds)) * 1000
        wanted = ("< 50, <= 0.05", mine < 50 and mine <= theirs / 20) if query.startswith("TEXT") else ("", None)
        table.add(f"SEARCH {query.split()[0]} of {title}, {count:,} x 4 KB", mine, theirs, "ms", *wanted, digits=1)


def measure_imap(table, servers, root, rounds, scale):
    count, user, (ours, dovecot, mdbox) = int(50_000 * scale), "large", servers
    for server in servers:
        server.more([user])
    search.fill_maildir(f"{root}/mail/{user}", count, 4096, count)
    imap.fill(mdbox, user, search.messages(count, 4096, count))
    imap.fill(ours, user, search.messages(count, 4096, count))
    while json.loads(ours.verb("search", "status", "--json"))["waiting"]:
        time.sleep(0.5)
    large = imap.Large(servers, user, count, max(rounds, 5))
    size = f"{count:,} x 4 KB"

    def milliseconds(title, took, wanted=None):
        for peer in servers[1:]:
            mine, theirs = (median(took[s]) * 1000 for s in (ours, peer))
            judged = wanted and peer is dovecot
            table.add(f"{title}, {peer.name}", mine, theirs, "ms", f"<= {wanted:g}" if judged else "", mine <= wanted * theirs if judged else None, digits=2)

    def rate(title, took, messages, wanted):
        for peer in servers[1:]:
            mine, theirs = (messages / median(took[s]) for s in (ours, peer))
            judged = peer is dovecot
            table.add(f"{title}, {peer.name}", mine, theirs, "messages/s", f">= {wanted:g}" if judged else "", mine >= wanted * theirs if judged else None)
        print("    spread: " + ", ".join(f"{s.name} {spread(took[s]):.0f} %" for s in servers))

    milliseconds(f"LOGIN + SELECT, {size}", large.select(login=True), 1)
    milliseconds(f"SELECT, {size}", large.select(login=False))
    rate(f"FETCH 1:* (FLAGS UID RFC822.SIZE), {size}", large.fetch("(FLAGS UID RFC822.SIZE)"), count, 1.5)
    rate(f"FETCH 1:* ENVELOPE, {size}", large.fetch("ENVELOPE"), count, 1.5)
    rate("UID FETCH of 1,000 bodies", large.bodies(large.uids()), 1000, 1.5)
    changed = min(10_000, count)
    rate(f"STORE FLAGS of {changed:,}", large.store(changed), changed, 1)
    rate(f"STORE FLAGS.SILENT of {changed:,}", large.store(changed, ".SILENT"), changed, 1)
    batches = imap.new_messages(1000)
    rate("APPEND of 1,000 x 4 KB, one by one", large.append(batches, many=False), 1000, 2)
    rate("APPEND of 1,000 x 4 KB, MULTIAPPEND", large.append(batches, many=True), 1000, 2)
    large.close()


def measure_imapmix(table, servers, rounds, scale):
    for server in servers:
        server.more(imap.MIX)
        imap.fill_mix(server)
    commands = int(400 * scale)
    for title, users in (("an account each", imap.MIX), (f"{imap.SHARED} accounts", imap.MIX[:imap.SHARED])):
        runs = {server: [] for server in servers}
        for n in range(max(rounds, 3) + 2):
            for server in servers:
                done = imap.mix(server, users, commands, n)
                if n >= 2:
                    runs[server].append(done)
        rate = {s: median([r[0] for r in runs[s]]) for s in servers}
        for peer in servers[1:]:
            judged = peer is servers[1]
            table.add(f"{imap.CLIENTS} clients mixed, {title}, {peer.name}", rate[servers[0]], rate[peer], "commands/s",
                      ">= 1.5" if judged else "", rate[servers[0]] >= 1.5 * rate[peer] if judged else None)
        print("    spread and refused: " + ", ".join(f"{s.name} {spread([r[0] for r in runs[s]]):.0f} %, {median([r[1] for r in runs[s]]) * 100:.2f} %" for s in servers))


def measure_start(table, ours, rounds):
    ours.stop()
    took, memory = [], []
    for _ in range(max(rounds, 3)):
        took.append(ours.start())
        time.sleep(2)
        memory.append(ours.cage.memory())
        ours.stop()
    ours.start()
    table.add("start to listening", median(took), unit="s", wanted="< 1", met=median(took) < 1, digits=2)
    table.add("resident memory, idle", median(memory), unit="MB", wanted="< 100", met=median(memory) < 100)


def measure_idle(table, ours, count):
    ours.stop()
    ours.start()
    holder = subprocess.Popen([sys.executable, f"{REPOSITORY}/bench/idle.py", str(count), f"{ours.submissions}:EHLO client.test", f"{ours.pop3s}:CAPA"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        held = int(holder.stdout.readline().split()[1])
        memory = ours.cage.memory()
        cpu, began = ours.cage.cpu(), time.monotonic()
        time.sleep(5)
        cpu = (ours.cage.cpu() - cpu) / (time.monotonic() - began) * 100
        table.add(f"resident memory, {held:,} idle TLS connections", memory, unit="MB", wanted="< 600", met=memory < 600 and held == count)
        table.add(f"CPU of {held:,} idle TLS connections", cpu, unit="%", digits=2)
    finally:
        holder.stdin.close()
        holder.wait()


def measure_imapidle(table, root, scale):
    """2,000 sessions in IDLE beside Dovecot, in clear and over TLS, and 10,000 of ours."""
    directory, many = tempfile.mkdtemp(dir=root), int(2000 * scale)
    os.chmod(directory, 0o755)
    servers = imapscale.ours(directory), imapscale.dovecot(directory)
    for tls in (False, True):
        title = f"{many:,} sessions in IDLE{' over TLS' if tls else ''}"
        with imapscale.watches():
            mine, theirs = (imapscale.idle(server, many, tls) for server in servers)
        table.add(f"{title}, memory (PSS)", mine.pss - mine.before, theirs.pss - theirs.before, "MB", "<= 0.25",
                  (mine.pss - mine.before) * 4 <= theirs.pss - theirs.before and mine.held == many, digits=1)
        table.add(f"{title}, APPEND until all of the account heard", mine.last, theirs.last, "ms", "< 1000", mine.last < 1000, digits=1)
    many = int(10000 * scale)
    mine = imapscale.idle(servers[0], many, tls=True)
    table.add(f"{many:,} sessions in IDLE over TLS, resident memory in all", mine.rss, unit="MB", wanted="< 600", met=mine.rss < 600 and mine.held == many)


def measure_imap1m(table, root, scale):
    count, server = int(1_000_000 * scale), imapscale.ours(tempfile.mkdtemp(dir=root))
    try:
        server.start()
        began = time.monotonic()
        imapscale.fill(server, imapscale.USERS[0], count)
        print(f"    filled in {time.monotonic() - began:.0f} s")
        while json.loads(server.verb("search", "status", "--json"))["waiting"]:
            time.sleep(1)
        cold, warm, first, further = imapscale.large(server, count)
    finally:
        server.stop()
    title = f"mailbox of {count:,}"
    table.add(f"{title}, first SELECT after start", cold, unit="s", wanted="< 1", met=cold < 1, digits=2)
    table.add(f"{title}, further SELECT", warm, unit="s", wanted="< 1", met=warm < 1, digits=4)
    table.add(f"{title}, memory of the first session", first, unit="MB", wanted="<= 64", met=first <= 64, digits=1)
    table.add(f"{title}, memory of each further one", further, unit="MB", wanted="<= 64", met=further <= 64, digits=2)


def machine():
    with open("/proc/meminfo") as f:
        gigabytes = int(f.readline().split()[1]) / 1048576
    return f"{os.cpu_count()} cores, {gigabytes:.0f} GB memory, Linux {platform.release().split('-')[0]}"


def write(table):
    path = f"{REPOSITORY}/bench/README.md"
    with open(path) as f:
        text = f.read()
    begin, end = "<!-- figures -->\n", "<!-- end of figures -->"
    before, _, rest = text.partition(begin)
    after = rest.partition(end)[2]
    day = time.strftime("%Y-%m-%d", time.gmtime())
    with open(path, "w") as f:
        f.write(f"{before}{begin}{day}, {machine()}; medians.\n\n{table.markdown()}{end}{after}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    if why := peers.lacking():
        raise SystemExit("bench: " + why)
    wanted = lambda name: not arguments.only or name in arguments.only
    scale = 0.25 if arguments.quick else 1
    table, root = Table(), tempfile.mkdtemp(prefix="posthorn-bench-")
    print(machine())
    print(f"{'':58} {'Posthorn':>12} {'peer':>12} {'ratio':>8} {'wanted':>12} met")
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(shutil.rmtree, root, ignore_errors=True)
        postfix, dovecot = peers.Postfix(root, 17025, USERS, SINKS), peers.Dovecot(root, 17110, USERS)
        ours = Posthorn(root, 18000, USERS, SINKS)
        for server in (ours, postfix, dovecot):
            cleanup.callback(server.stop)
            server.start()
        for server in (ours, postfix):
            # Servers run for months: neither is measured with cold caches, or with code that is still being compiled.
            load.inbound(server, 10, int(3000 * scale), 4096, keep=True)
            load.inbound(server, 10, int(1500 * scale), 4096)
        for name in INBOUND:
            if wanted(name):
                measure_inbound(table, ours, postfix, name, arguments.rounds, scale)
        if any(wanted(name) for name in RELAY):
            sinks = relay.CountingSinks(list(SINKS.values()))
            cleanup.callback(sinks.stop)
            for name in RELAY:
                if wanted(name):
                    measure_relay(table, ours, postfix, sinks, name, arguments.rounds, scale)
        if wanted("pop3"):
            measure_pop3(table, ours, postfix, dovecot, arguments.rounds, scale)
        if wanted("search"):
            measure_search(table, ours, dovecot, root, arguments.rounds, scale)
        if wanted("imap") or wanted("imapmix"):
            mdbox = peers.Dovecot(root, 17310, USERS, mdbox=True)
            cleanup.callback(mdbox.stop)
            mdbox.start()
            if wanted("imap"):
                measure_imap(table, (ours, dovecot, mdbox), root, arguments.rounds, scale)
            if wanted("imapmix"):
                measure_imapmix(table, (ours, dovecot, mdbox), arguments.rounds, scale)
            mdbox.stop()
        if wanted("start"):
            measure_start(table, ours, arguments.rounds)
        if wanted("idle"):
            measure_idle(table, ours, int(10000 * scale))
        for server in (ours, postfix, dovecot):
            server.stop()
        if wanted("imapidle"):
            measure_imapidle(table, root, scale)
        if wanted("imap1m"):
            measure_imap1m(table, root, scale)
        if wanted("fair"):
            measure_fair(table, root, scale)
        if wanted("queue1m"):
            measure_million(table, root, scale)
    if arguments.write:
        write(table)


main()
