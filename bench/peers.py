"""Postfix with virtual(8) delivery to Maildir, and Dovecot's POP3 and IMAP on the same Maildirs, all below one directory.

Debian's packages, the distribution's defaults (so: every sync they do by themselves), no chroot, loopback only.
"""
import os
import pwd
import shutil
import socket
import subprocess
import time

from gauge import Cage

MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

MAIN = """\
compatibility_level = 3.6
queue_directory = {d}/queue
data_directory = {d}/state
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.example.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
local_recipient_maps =
alias_maps =
alias_database =
virtual_mailbox_domains = example.test
virtual_mailbox_base = {mail}
virtual_mailbox_maps = hash:{d}/etc/mailboxes
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
virtual_mailbox_limit = 0
mailbox_size_limit = 0
smtpd_tls_security_level = none
smtp_tls_security_level = none
transport_maps = hash:{d}/etc/transport
maillog_file = {d}/log/maillog
maillog_file_prefixes = {d}
"""

DOVECOT = """\
base_dir = {d}/run
state_dir = {d}/state
instance_name = posthorn-bench-{format}
log_path = {d}/log
listen = 127.0.0.1
protocols = pop3 imap
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain
mail_location = {format}:~/
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
mail_max_userip_connections = 1000
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%n {d}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/%n
}}
service pop3-login {{
  inet_listener pop3 {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener pop3s {{
    port = 0
  }}
  service_count = 0
  process_min_avail = 1
}}
service pop3 {{
  process_min_avail = 1
}}
service imap {{
  process_min_avail = 1
}}
service imap-login {{
  inet_listener imap {{
    address = 127.0.0.1
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
  service_count = 0
  process_min_avail = 1
}}
"""


def lacking():
    """Why the peers cannot run here, or None."""
    for tool in ("/usr/sbin/postfix", "/usr/sbin/smtp-source", "/usr/sbin/dovecot"):
        if not os.path.exists(tool):
            return f"{tool} is not installed"
    return None if os.geteuid() == 0 else "setting up Postfix needs root"


def wait_for_port(port, seconds=15, host="127.0.0.1"):
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((host, port), 1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise SystemExit(f"nothing listens on port {port} after {seconds} s")
            time.sleep(0.01)


class Postfix:
    name = "Postfix"

    def __init__(self, root, port, users, sinks):
        self.port, self.users, self.mail = port, users, f"{root}/mail"
        self.d = d = f"{root}/postfix"
        self.cage = Cage("postfix")
        owner = pwd.getpwnam("nobody")
        os.chmod(root, 0o755)
        for sub in ("etc", "queue", "state", "log"):
            os.makedirs(f"{d}/{sub}")
        os.makedirs(self.mail)
        os.chown(self.mail, owner.pw_uid, owner.pw_gid)
        shutil.chown(f"{d}/state", "postfix")
        with open(f"{d}/etc/main.cf", "w") as f:
            f.write(MAIN.format(d=d, mail=self.mail, uid=owner.pw_uid, gid=owner.pw_gid))
        with open(f"{d}/etc/master.cf", "w") as f:
            f.write(MASTER.format(port=port))
        with open(f"{d}/etc/mailboxes", "w") as f:
            f.writelines(f"{u}@example.test {u}/\n" for u in users)
        with open(f"{d}/etc/transport", "w") as f:
            f.writelines(f"{domain} smtp:[127.0.0.1]:{sink}\n" for domain, sink in sinks.items())
        for name in ("dynamicmaps.cf", "postfix-files"):
            if os.path.exists(f"/etc/postfix/{name}"):
                shutil.copy(f"/etc/postfix/{name}", f"{d}/etc/{name}")
            else:
                open(f"{d}/etc/{name}", "w").close()
        for table in ("mailboxes", "transport"):
            subprocess.run(["postmap", "-c", f"{d}/etc", f"hash:{d}/etc/{table}"], check=True)

    def start(self):
        began = time.monotonic()
        starter = self.cage.launch(["postfix", "-c", f"{self.d}/etc", "start"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(self.port)
        took = time.monotonic() - began
        starter.wait()
        return took

    def arrived(self, user):
        try:
            return len(os.listdir(f"{self.mail}/{user}/new"))
        except OSError:
            return 0

    def empty(self):
        for user in self.users:
            shutil.rmtree(f"{self.mail}/{user}", ignore_errors=True)

    def stop(self):
        subprocess.run(["postfix", "-c", f"{self.d}/etc", "stop"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.cage.stop()


class Dovecot:
    """On Postfix's Maildirs, or on mailboxes of its own in its own format, mdbox."""
    password = "secret"

    def __init__(self, root, port, users, mdbox=False):
        self.name = "mdbox" if mdbox else "Dovecot"
        self.pop3, self.imap = port, port + 33
        self.d = d = f"{root}/{self.name.lower()}"
        self.cage = Cage(self.name.lower())
        owner = pwd.getpwnam("nobody")
        for sub in ("run", "state", "home"):
            os.makedirs(f"{d}/{sub}")
        os.chown(f"{d}/home", owner.pw_uid, owner.pw_gid)
        self.more(users)
        os.chmod(f"{d}/users", 0o644)
        with open(f"{d}/dovecot.conf", "w") as f:
            f.write(DOVECOT.format(d=d, port=port, imap=self.imap, format="mdbox" if mdbox else "maildir",
                                   home=f"{d}/home" if mdbox else f"{root}/mail", uid=owner.pw_uid, gid=owner.pw_gid))

    def start(self):
        began = time.monotonic()
        starter = self.cage.launch(["dovecot", "-c", f"{self.d}/dovecot.conf"])
        wait_for_port(self.pop3)
        wait_for_port(self.imap)
        took = time.monotonic() - began
        starter.wait()
        return took

    def more(self, users):
        with open(f"{self.d}/users", "a") as f:
            f.writelines(f"{u}:{{PLAIN}}{self.password}::::::\n" for u in users)

    def login(self, user):
        return user, self.password

    def stop(self):
        subprocess.run(["doveadm", "-c", f"{self.d}/dovecot.conf", "stop"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.cage.stop()
