"""What a server cost: its own cgroup where the kernel lets us have one, its process tree from /proc otherwise."""
import os
import signal
import statistics
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")


class Cage:
    """A server's processes, counted together. Everything started through launch() and all its children belong to it."""

    def __init__(self, name):
        self.name = name
        self.pids = set()
        self.dir, self.version = None, 0
        for root, version in (("/sys/fs/cgroup/cpuacct", 1), ("/sys/fs/cgroup", 2)):
            path = f"{root}/posthorn-bench-{os.getpid()}-{name}"
            probe = "cpuacct.usage" if version == 1 else "cpu.stat"
            if not os.path.exists(f"{root}/{'cpuacct.usage' if version == 1 else 'cgroup.controllers'}"):
                continue
            try:
                os.makedirs(path, exist_ok=True)
            except OSError:
                continue
            if os.path.exists(f"{path}/{probe}"):
                self.dir, self.version = path, version
                return
            os.rmdir(path)

    def launch(self, argv, **options):
        def enter():
            if self.dir:
                with open(f"{self.dir}/cgroup.procs", "w") as f:
                    f.write("0")
        process = subprocess.Popen(argv, preexec_fn=enter, **options)
        self.pids.add(process.pid)
        return process

    def members(self):
        if self.dir:
            with open(f"{self.dir}/cgroup.procs") as f:
                return [int(x) for x in f.read().split()]
        if not self.pids:
            return []
        parents = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    with open(f"/proc/{entry}/stat") as f:
                        parents[int(entry)] = int(f.read().rpartition(")")[2].split()[1])
                except OSError:
                    pass
        ours = {p for p in self.pids if p in parents}
        grew = True
        while grew:
            grew = False
            for pid, parent in parents.items():
                if parent in ours and pid not in ours:
                    ours.add(pid)
                    grew = True
        return sorted(ours)

    def cpu(self):
        """CPU seconds, user and system, since the cage was made."""
        if self.dir and self.version == 1:
            with open(f"{self.dir}/cpuacct.usage") as f:
                return int(f.read()) / 1e9
        if self.dir:
            with open(f"{self.dir}/cpu.stat") as f:
                return int(f.readline().split()[1]) / 1e6
        total = 0
        for pid in self.members():
            try:
                with open(f"/proc/{pid}/stat") as f:
                    fields = f.read().rpartition(")")[2].split()
                total += sum(int(x) for x in fields[11:15])
            except OSError:
                pass
        return total / TICK

    def memory(self, kind="Rss"):
        """Megabytes over all processes; Pss shares out what several processes map together."""
        total = 0
        for pid in self.members():
            try:
                with open(f"/proc/{pid}/smaps_rollup") as f:
                    for line in f:
                        if line.startswith(kind + ":"):
                            total += int(line.split()[1])
            except OSError:
                pass
        return total / 1024

    def stop(self, grace=10):
        for sig in (signal.SIGTERM, signal.SIGKILL):
            for pid in self.members():
                try:
                    os.kill(pid, sig)
                except OSError:
                    pass
            end = time.monotonic() + grace
            while self.members() and time.monotonic() < end:
                time.sleep(0.05)
                for pid in list(self.pids):
                    try:
                        os.waitpid(pid, os.WNOHANG)
                    except OSError:
                        self.pids.discard(pid)
        if self.dir:
            try:
                os.rmdir(self.dir)
            except OSError:
                pass
            self.dir, self.pids = None, set()


def median(values):
    return statistics.median(values)


def spread(values):
    """Half the distance between the extremes, in percent of the median."""
    return (max(values) - min(values)) / 2 / median(values) * 100 if len(values) > 1 and median(values) else 0
