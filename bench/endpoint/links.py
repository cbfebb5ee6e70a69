"""The links between server and client: which device each end opens, and in which namespace it stands.

Each end is a `device` (what a DPDK process takes by --vdev) or the kernel's (an interface with an address). A link is
prepared before the server starts and joined after. Neighbour: scene.py. Python's standard library alone.
"""

import time

from scene import START_SECONDS, BenchError

SERVER_ADDRESS, CLIENT_ADDRESS = "10.0.0.2", "10.0.0.1"
# So that connections by the hundred thousand a second find unused ports: one address has 28 k of them.
CLIENT_SOURCES = "10.0.0.10-10.0.0.25"


class Link:
    """`kernel` holds the sides ("server", "client") at which the kernel's TCP is."""

    place = {"server": "server", "client": "client"}  # the namespace of each side
    kernel_ends = ()
    device = {}

    def __init__(self, scene, kernel):
        self.scene, self.kernel = scene, kernel
        self.vdev = {side: self.device[side].replace("SOCKET", self.socket) for side in self.device}

    @property
    def socket(self):
        return self.scene.path("link.sock")

    def prepare(self):
        pass

    def join(self):
        pass

    def adopt(self, side, interface):
        """The interface becomes the kernel's end of a side."""
        namespace = self.scene.namespace(self.place[side])
        address = {"server": SERVER_ADDRESS, "client": CLIENT_ADDRESS}[side]
        self.scene.ip("-n", namespace, "address", "add", f"{address}/24", "dev", interface)
        if side == "client":
            self.scene.run(self.place[side], "sysctl", "-qw", "net.ipv4.ip_local_port_range=1024 65535")


class Memif(Link):
    # Deep rings survive a peer that loses its core for a moment: ours get them by themselves (quirks), testpmd by rsize.
    device = {"server": "net_memif0,role=server,id=0,socket=SOCKET,socket-abstract=no",
              "client": "net_memif0,role=client,id=0,socket=SOCKET,socket-abstract=no"}


class Vhost(Link):
    device = {"server": "net_vhost0,iface=SOCKET", "client": "net_virtio_user0,path=SOCKET"}


class Veth(Link):
    """Both ends in the kernel, with the offloads that veth has by default."""

    kernel_ends = ("server", "client")
    interface = {"server": "mrbs", "client": "mrbc"}
    offloads = True

    def prepare(self):
        scene = self.scene
        scene.ip("-n", scene.namespace("server"), "link", "add", "mrbs", "type", "veth", "peer", "name", "mrbc",
                 "netns", scene.namespace("client"))
        for side, interface in self.interface.items():
            if side in self.kernel:
                self.adopt(side, interface)
                if not self.offloads:
                    scene.run(side, "ethtool", "-K", interface, "tx", "off")
            else:
                scene.run(side, "sysctl", "-eqw", f"net.ipv6.conf.{interface}.disable_ipv6=1")
            scene.ip("-n", scene.namespace(side), "link", "set", interface, "up")


class VethPlain(Veth):
    """Likewise, with frames of the MTU and whole checksums: what a device without offloads has, and AF_PACKET."""

    offloads = False


class AfPacket(VethPlain):
    device = {"server": "net_af_packet0,iface=mrbs", "client": "net_af_packet0,iface=mrbc"}


class AfXdp(VethPlain):
    device = {"server": "net_af_xdp0,iface=mrbs", "client": "net_af_xdp0,iface=mrbc"}


class Tap(Link):
    """The device is the server's; its interface, in the same namespace, is the client's: the kernel's TCP on it, or
    a DPDK client that reads it by AF_PACKET."""

    place = {"server": "server", "client": "server"}
    kernel_ends = ("client",)
    device = {"server": "net_tap0,iface=mrbt", "client": "net_af_packet0,iface=mrbt"}

    def join(self):
        scene, namespace = self.scene, self.scene.namespace("server")
        deadline = time.monotonic() + START_SECONDS
        while "mrbt" not in scene.ip("-n", namespace, "-o", "link"):
            if time.monotonic() > deadline:
                raise BenchError(f"no interface mrbt came within {START_SECONDS} s of the server's start")
            time.sleep(0.05)
        if "client" in self.kernel:
            self.adopt("client", "mrbt")
        else:
            scene.run("server", "sysctl", "-eqw", "net.ipv6.conf.mrbt.disable_ipv6=1")
        scene.ip("-n", namespace, "link", "set", "mrbt", "up")


LINKS = {"memif": Memif, "vhost": Vhost, "af_packet": AfPacket, "af_xdp": AfXdp, "tap": Tap, "veth": Veth,
         "veth_plain": VethPlain}
