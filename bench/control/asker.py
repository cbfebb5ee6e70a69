"""A client of the control socket that asks one thing again and again, and remembers how long it waited each time.
Neighbour: run. Python's standard library alone."""

import json
import socket
import threading
import time

PATIENCE_SECONDS = 30


class Asker(threading.Thread):
    def __init__(self, path, method, rate):
        super().__init__(daemon=True)
        self.path, self.method, self.rate = path, method, rate
        self.ended = threading.Event()
        self.seconds = []

    def run(self):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE_SECONDS)
            connection.connect(self.path)
            lines = connection.makefile("r", encoding="utf-8")
            lines.readline()
            cursor = None
            while not self.ended.is_set():
                params = {} if cursor is None else {"cursor": cursor}
                begun = time.monotonic()
                connection.sendall(json.dumps({"id": 1, "method": self.method, "params": params}).encode() + b"\n")
                reply = json.loads(lines.readline())
                took = time.monotonic() - begun
                self.seconds.append(took)
                cursor = reply.get("result", {}).get("next")
                if self.rate:
                    self.ended.wait(max(0, 1 / self.rate - took))

    def stop(self):
        """The times of all answers."""
        self.ended.set()
        self.join(PATIENCE_SECONDS)
        return self.seconds
