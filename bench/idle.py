"""Opens many TLS connections that do nothing, says "ready" and holds them until its input ends.

idle.py CONNECTIONS PORT:LINE...   each connection goes to one of the ports, reads the greeting, sends the line, reads on
"""
import os
import resource
import socket
import ssl
import sys
import threading


def main():
    count, targets = int(sys.argv[1]), [t.partition(":") for t in sys.argv[2:]]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    held, lock, numbers = [], threading.Lock(), iter(range(count))

    def open_some():
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            port, _, line = targets[number % len(targets)]
            # A few hundred connections from each address, as from many homes.
            source = f"127.1.{number // 200 % 250 + 1}.{number // 50000 + 1}"
            plain = socket.create_connection(("127.0.0.1", int(port)), 60, (source, 0))
            tls = context.wrap_socket(plain)
            if not tls.recv(1000):
                raise OSError("closed at the greeting")
            tls.sendall(line.encode() + b"\r\n")
            if not tls.recv(4000):
                raise OSError("closed")
            with lock:
                held.append(tls)

    def guarded():
        try:
            open_some()
        except OSError as e:
            print("failed:", e, file=sys.stderr)

    threads = [threading.Thread(target=guarded) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("ready", len(held), flush=True)
    sys.stdin.read()
    os._exit(0)  # thousands of orderly good-byes would only cost time


main()
