"""Ports that cannot be: one sentence, exit 2, nothing left behind. Most are sockets of a peer in another process."""

import os
import shutil
import socket
import tempfile

import harness


class Sockets(harness.DaemonTest):
    def setUp(self):
        super().setUp()
        self.folder = tempfile.mkdtemp(prefix="mr-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.path = os.path.join(self.folder, "link.sock")

    def serve_on(self, *port):
        return self.serve(*port, "--address", "10.98.0.2/24", "--service", "http:80", "--huge-pages", "off")

    def assert_refused(self, sentence, *port):
        serve = self.serve_on(*port)
        code, errors = serve.wait()
        self.assertEqual(code, 2, errors)
        self.assertEqual(len(errors.splitlines()), 1, errors)
        self.assertIn(sentence, errors)
        self.assertEqual(serve.left_behind(), [])

    def test_socket_that_cannot_be(self):
        for driver, key in (("net_memif0,role=server,socket-abstract=no", "socket"), ("net_vhost0", "iface"),
                            ("net_virtio_user0,server=1", "path")):
            with self.subTest(driver=driver):
                self.assert_refused("the kernel takes 107", "--vdev", f"{driver},{key}=/tmp/{'x' * 103}")
                self.assert_refused("create it by `mkdir -p", "--vdev", f"{driver},{key}={self.folder}/none/s")

    def test_socket_in_use_stays_whole(self):
        with socket.socket(socket.AF_UNIX) as taken:
            taken.bind(self.path)
            taken.listen()
            self.assert_refused("in use by another program", "--vdev", f"net_vhost0,iface={self.path}")
            self.assertTrue(os.path.exists(self.path))

    def test_back_end_that_is_not_there(self):
        self.assert_refused("nobody listens on the socket", "--vdev", f"net_virtio_user0,path={self.path}")

    def test_stale_socket_is_taken_away(self):
        with socket.socket(socket.AF_UNIX) as crashed:
            crashed.bind(self.path)
        serve = self.serve_on("--vdev", f"net_vhost0,iface={self.path}").wait_ready()
        self.assertEqual(serve.stop()[0], 0)
        self.assertFalse(os.path.exists(self.path))

    def test_frames_beyond_the_buffers_of_memif(self):
        self.assert_refused("bsize must be at least 9018", "--vdev", f"net_memif0,bsize=2048,socket={self.path}",
                            "--set", "port.net_memif0.mtu=9000")

    def test_pci_device_that_is_not_there(self):
        self.assert_refused("no port 0000:7f:1f.7", "--set", "port.nic.pci=7f:1f.7")


if __name__ == "__main__":
    harness.main()
