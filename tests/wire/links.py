"""The links under an endpoint: which device is ours, and what stands at its other end.

A link is started in the order prepare (before the endpoint), spawned (its process runs), ready (it serves). `kernel` is
the interface of the kernel's TCP. Neighbours: endpoint.py, forwarder.py. Python's standard library alone.
"""

import json
import os
import signal
import subprocess

from forwarder import Forwarder


class Link:
    kernel = "mrk"
    forwarder = None
    port_settings = ()

    def __init__(self, endpoint, mtu):
        self.endpoint, self.mtu = endpoint, mtu

    def prepare(self):
        pass

    def spawned(self):
        pass

    def ready(self):
        pass

    def close(self):
        if self.forwarder is not None:
            self.forwarder.close()

    def veth(self):
        """The kernel keeps mrk; its other end, mro, is somebody's."""
        run = self.endpoint.run
        run("ip", "link", "add", "mrk", "mtu", str(self.mtu), "type", "veth", "peer", "name", "mro", "mtu", str(self.mtu))
        run("ip", "link", "set", "mro", "up")
        run("ethtool", "-K", "mrk", "tx", "off")


class Tap(Link):
    kernel = "mr0"
    vdev = "net_tap0,iface=mr0"


class Emulated(Tap):
    """Behind our TAP an emulated cable (linkem/), and at its other end the kernel in a namespace of its own."""
    kernel = "mrk"
    program = "wire_linkem"
    there = back = ""  # impairments, from us and to us
    seed = 1

    def __init__(self, endpoint, mtu):
        super().__init__(endpoint, mtu)
        self.process = None
        endpoint.peer_namespace = endpoint.namespace + "-k"

    def prepare(self):
        subprocess.run(["ip", "netns", "add", self.endpoint.peer_namespace], check=True)
        self.endpoint.run_at_peer("ip", "link", "set", "lo", "up")

    def ready(self):
        self.unplug()
        self.start("packet:mr0")

    def unplug(self):
        """mr0 is only a cable's plug: this kernel shall say nothing on it."""
        self.endpoint.run("sysctl", "-qw", "net.ipv6.conf.mr0.disable_ipv6=1", check=False)
        self.endpoint.run("ip", "link", "set", "mr0", "mtu", str(self.mtu), "up", "arp", "off")

    def start(self, ours):
        endpoint = self.endpoint
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", endpoint.namespace, self.program, ours, f"tap:mrk@{endpoint.peer_namespace}",
             "--there", self.there, "--back", self.back, "--seed", str(self.seed)], stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError("the link emulator does not start")
        endpoint.run_at_peer("ip", "link", "set", "mrk", "mtu", str(self.mtu))

    def tally(self):
        """Ends the cable; how its frames fared, each way."""
        self.process.send_signal(signal.SIGTERM)
        said = self.process.stdout.readline()
        self.process.wait(timeout=10)
        return json.loads(said)

    def close(self):
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self.process.stdout.close()
        subprocess.run(["ip", "netns", "delete", self.endpoint.peer_namespace], capture_output=True, check=False)


class EmulatedJumbo(Emulated):
    """The cable has a TAP at each end and we are at ours by AF_PACKET, for net_tap has no frames beyond 1500 octets."""
    vdev = "net_af_packet0,iface=mr0"

    def prepare(self):
        super().prepare()
        self.start(f"tap:mr0@{self.endpoint.namespace}")
        self.unplug()

    def ready(self):
        pass


class AfPacket(Link):
    vdev = "net_af_packet0,iface=mro"

    def prepare(self):
        self.veth()


class AfXdp(AfPacket):
    vdev = "net_af_xdp0,iface=mro"


class Forwarded(Link):
    """`ours` and `theirs`: the two ends of the link; SOCKET stands for its path. `reconnects`: testpmd's end finds ours
    again when we have been away."""
    starts_at = "ready"
    reconnects = False
    # The drivers draw another at every start, and the kernel would look for the old one for a while.
    # testpmd leaves its listening socket behind when it is killed, and does not take it away itself.
    they_listen = False
    port_settings = ("mac=02:00:00:00:00:02",)

    def __init__(self, endpoint, mtu):
        super().__init__(endpoint, mtu)
        self.socket = os.path.join(endpoint.work, "link.sock")
        self.vdev = self.filled(self.ours)

    def filled(self, device):
        size = (self.mtu + 18 + 63) // 64 * 64
        return device.replace("SOCKET", self.socket).replace("BSIZE", str(max(size, 2048)))

    def prepare(self):
        self.veth()
        self.forwarder = Forwarder(self.endpoint.namespace, self.filled(self.theirs), "mro", self.mtu + 14)
        self._at("prepare")

    def spawned(self):
        self._at("spawned")

    def ready(self):
        self._at("ready")

    def peer_starts_again(self):
        if self.they_listen:
            os.unlink(self.socket)
        self.forwarder.start()

    def _at(self, moment):
        if moment == self.starts_at:
            self.forwarder.start()


class MemifServer(Forwarded):
    ours = "net_memif0,role=server,socket=SOCKET,socket-abstract=no"
    theirs = "net_memif0,role=client,socket=SOCKET,socket-abstract=no,rsize=13,bsize=BSIZE"


class MemifClient(Forwarded):
    """The peer is not there yet when we start."""
    they_listen = True
    reconnects = True
    ours = "net_memif0,role=client,socket=SOCKET,socket-abstract=no"
    theirs = "net_memif0,role=server,socket=SOCKET,socket-abstract=no"


class MemifZeroCopy(MemifClient):
    ours = MemifClient.ours + ",zero-copy=yes"


class Vhost(Forwarded):
    ours = "net_vhost0,iface=SOCKET"
    theirs = "net_virtio_user0,path=SOCKET,queue_size=1024"


class VirtioUser(Forwarded):
    they_listen = True
    reconnects = True
    starts_at = "prepare"
    ours = "net_virtio_user0,path=SOCKET,queue_size=1024"
    theirs = "net_vhost0,iface=SOCKET"


class VirtioUserServer(Forwarded):
    """We wait in the driver until the peer comes."""
    reconnects = True
    starts_at = "spawned"
    ours = "net_virtio_user0,path=SOCKET,server=1,queue_size=1024"
    theirs = "net_vhost0,iface=SOCKET,client=1"


LINKS = {"tap": Tap, "emulated": Emulated, "emulated_jumbo": EmulatedJumbo, "af_packet": AfPacket, "af_xdp": AfXdp,
         "memif_server": MemifServer, "memif_client": MemifClient, "memif_zero_copy": MemifZeroCopy, "vhost": Vhost, "virtio_user": VirtioUser,
         "virtio_user_server": VirtioUserServer}
