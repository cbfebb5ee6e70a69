"""The kernel's side: socket programs that wire_test.py runs inside the endpoint's namespace.

usage: peer.py SCENARIO ADDRESS [MEBIBYTES]
Exits 0 when the scenario went as it should; else says what was wrong.
"""

import errno
import hashlib
import os
import selectors
import socket
import struct
import sys
import threading
import time

HTTP, ECHO, DISCARD, CHARGEN, NOBODY = 80, 7, 9, 19, 81
MEBIBYTE = 1 << 20


def connect(address, port, timeout=60):
    """The kernel asks three times in three seconds for the MAC address and then gives up; who answers may lack a CPU."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            return socket.create_connection((address, port), timeout=timeout)
        except OSError as failure:
            if failure.errno != errno.EHOSTUNREACH or time.monotonic() > deadline:
                raise


def pattern(size, seed):
    """`size` octets that do not repeat, the same for the same seed."""
    return hashlib.shake_128(str(seed).encode()).digest(size)


def expect(condition, sentence):
    if not condition:
        sys.exit(sentence)


def read_all(connection, digest=None):
    total = 0
    while True:
        piece = connection.recv(1 << 18)
        if not piece:
            return total
        total += len(piece)
        if digest is not None:
            digest.update(piece)


def through_echo(address, goes_on):
    """Block after block while goes_on(blocks) says so, compared with what comes back by SHA-256; our half of the close
    comes first."""
    connection = connect(address, ECHO)
    connection.settimeout(None)  # who runs us knows how long it may stand still
    sent, received = hashlib.sha256(), hashlib.sha256()
    blocks = 0

    def write():
        nonlocal blocks
        while goes_on(blocks):
            block = pattern(MEBIBYTE, blocks)
            sent.update(block)
            connection.sendall(block)
            blocks += 1
        connection.shutdown(socket.SHUT_WR)

    writer = threading.Thread(target=write)
    writer.start()
    total = read_all(connection, received)
    writer.join()
    expect(total == blocks * MEBIBYTE, f"{total} octets came back of {blocks * MEBIBYTE}")
    expect(sent.digest() == received.digest(), "SHA-256 of what was sent and of what came back differ")


def both_ways(address, mebibytes):
    """As much each way at once through echo."""
    through_echo(address, lambda blocks: blocks < mebibytes)


def both_ways_until_told(address, _):
    """Likewise until a line comes on standard input."""
    told = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), told.set()), daemon=True).start()
    through_echo(address, lambda _: not told.is_set())


def download(address, mebibytes):
    """A file by HTTP: its SHA-256 is its name's."""
    connection = connect(address, HTTP)
    connection.sendall(b"GET /file HTTP/1.1\r\nHost: wire\r\nConnection: close\r\n\r\n")
    stream = connection.makefile("rb")
    expect(stream.readline().startswith(b"HTTP/1.1 200 "), "the answer is not 200")
    length = None
    while (line := stream.readline().strip()):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    expect(length == mebibytes * MEBIBYTE, f"Content-Length is {length}")
    digest = hashlib.sha256()
    total = 0
    while (piece := stream.read(1 << 18)):
        total += len(piece)
        digest.update(piece)
    wanted = hashlib.sha256()
    for i in range(mebibytes):
        wanted.update(pattern(MEBIBYTE, i))
    expect(total == length, f"{total} octets came of {length}")
    expect(digest.digest() == wanted.digest(), "the file's SHA-256 differs")


def parallel(address, count):
    """`count` connections at once, each with octets of its own through echo."""
    selector = selectors.DefaultSelector()
    open_ones = []
    for i in range(count):
        connection = connect(address, ECHO)
        data = pattern(20_000 + 37 * i, i)
        open_ones.append((connection, data))
        connection.setblocking(False)
        selector.register(connection, selectors.EVENT_READ | selectors.EVENT_WRITE,
                          {"out": memoryview(data), "in": bytearray(), "want": data})
    deadline = time.monotonic() + 60
    left = count
    while left and time.monotonic() < deadline:
        for key, events in selector.select(timeout=1):
            state = key.data
            if events & selectors.EVENT_WRITE and state["out"]:
                state["out"] = state["out"][key.fileobj.send(state["out"][:65536]):]
                if not state["out"]:
                    selector.modify(key.fileobj, selectors.EVENT_READ, state)
                    key.fileobj.shutdown(socket.SHUT_WR)
            if events & selectors.EVENT_READ:
                piece = key.fileobj.recv(65536)
                state["in"] += piece
                if not piece:
                    expect(state["in"] == state["want"], "a connection's octets came back changed")
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
                    left -= 1
    expect(left == 0, f"{left} of {count} connections did not finish within 60 s")


def peer_closes_first(address, _):
    """We close our half at once; the endpoint's half still carries everything back."""
    connection = connect(address, ECHO)
    data = pattern(3 * MEBIBYTE, 1)
    received = bytearray()
    writer = threading.Thread(target=lambda: (connection.sendall(data), connection.shutdown(socket.SHUT_WR)))
    writer.start()
    while (piece := connection.recv(65536)):
        received += piece
    writer.join()
    expect(bytes(received) == data, "what came back after our FIN is not what was sent")


def endpoint_closes_first(address, _):
    """The endpoint closes its half after the response; ours still takes octets without a reset."""
    connection = connect(address, HTTP)
    connection.sendall(b"GET / HTTP/1.1\r\nHost: wire\r\nConnection: close\r\n\r\n")
    total = read_all(connection)
    expect(total > 0, "no response came")
    time.sleep(0.3)
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    expect(info == 8, f"the kernel's state is {info}, not CLOSE_WAIT (8)")
    connection.shutdown(socket.SHUT_WR)
    time.sleep(0.3)
    error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    expect(error == 0, f"the close ended with {os.strerror(error)}")


def refused(address, _):
    """Nobody listens: RST, at once."""
    start = time.monotonic()
    try:
        connect(address, NOBODY, timeout=5)
    except ConnectionRefusedError:
        expect(time.monotonic() - start < 1, "the refusal took longer than a second")
        return
    except OSError as error:
        sys.exit(f"connect() failed with {error}, not ECONNREFUSED")
    sys.exit("somebody accepted a connection to a port on which nobody listens")


def forever(address, _):
    """Reads chargen until it is killed; says so when text has come, by which the endpoint is ESTABLISHED too."""
    connection = connect(address, CHARGEN)
    connection.recv(65536)
    print("reading", flush=True)
    while connection.recv(65536):
        time.sleep(0.0005)


def reset(address, _):
    """Closes with RST in the middle of a transfer."""
    connection = connect(address, CHARGEN)
    connection.recv(65536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def discard(address, mebibytes):
    connection = connect(address, DISCARD)
    for i in range(mebibytes):
        connection.sendall(pattern(MEBIBYTE, i))
    connection.shutdown(socket.SHUT_WR)
    expect(read_all(connection) == 0, "discard sent something")


SCENARIOS = {f.__name__: f for f in (both_ways, both_ways_until_told, download, parallel, peer_closes_first,
                                     endpoint_closes_first, refused, forever, reset, discard)}

if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in SCENARIOS:
        sys.exit(__doc__ + "scenarios: " + ", ".join(SCENARIOS))
    try:
        SCENARIOS[sys.argv[1]](sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    except OSError as failure:
        sys.exit(f"{sys.argv[1]}: {errno.errorcode.get(failure.errno, failure)}: {failure}")
