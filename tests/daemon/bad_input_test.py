"""Whatever is wrong is one clear sentence and exit 2, and nothing stays behind."""

import os
import tempfile

import harness

WEB = ("--service", "http:80")
RING = ("--vdev", "net_ring0", "--huge-pages", "off")
ADDRESS = ("--address", "10.99.0.2/24")


class BadInput(harness.DaemonTest):
    def assert_refused(self, *args, says, **more):
        serve = self.serve(*args, **more)
        code, errors = serve.wait()
        self.assertEqual(code, 2, errors)
        self.assertEqual(len(errors.strip().splitlines()), 1, errors)
        self.assertIn(says, errors)
        self.assertEqual(serve.left_behind(), [])

    def test_unknown_option(self):
        self.assert_refused(*RING, *ADDRESS, *WEB, "--adress", "10.0.0.3/24", says="did you mean --address")

    def test_unknown_driver(self):
        self.assert_refused("--vdev", "net_nonsense0", "--huge-pages", "off", *ADDRESS, *WEB,
                            says="cannot make the port net_nonsense0")

    def test_interface_that_is_not_there(self):
        self.assert_refused("--vdev", "net_af_packet0,iface=nowhere9", "--huge-pages", "off", *ADDRESS, *WEB,
                            says="there is no interface nowhere9")

    def test_interface_of_another_program(self):
        first = self.serve_tap(*WEB)
        second = self.serve(*harness.TAP, *WEB)
        code, errors = second.wait()
        self.assertEqual(code, 2, errors)
        self.assertIn("interface mrt0 is in use by another program", errors)
        self.assert_page("http://10.99.0.2/")
        self.assertEqual(first.stop()[0], 0)

    def test_address_that_is_no_stations(self):
        self.assert_refused(*RING, "--address", "10.99.0.255/24", *WEB, says="broadcast")

    def test_gateway_outside_the_prefix(self):
        self.assert_refused(*RING, *ADDRESS, *WEB, "--route", "default via 10.98.0.1", says="outside every prefix")

    def test_two_services_on_one_port(self):
        self.assert_refused(*RING, *ADDRESS, *WEB, "--service", "echo:80", says="port in use")

    def test_broken_file(self):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write("[tcp]\nmsl = banana\n")
            file.flush()
            self.assert_refused(*RING, *ADDRESS, *WEB, "-c", file.name, says=f"{file.name}:2")

    def test_file_that_is_not_there(self):
        self.assert_refused("-c", "/nowhere/endpoint.conf", says="/nowhere/endpoint.conf")

    def test_no_permission(self):
        directory = tempfile.mkdtemp()
        os.chmod(directory, 0o777)
        self.assert_refused(*harness.TAP, *WEB, says="net_admin and net_raw", directory=directory,
                            prefix=("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"))

    def test_huge_pages_that_are_not_there(self):
        self.assert_refused("--vdev", "net_ring0", "--huge-pages", "on", *ADDRESS, *WEB,
                            "--memory", "1000GiB", says="vm.nr_hugepages=")

    def test_cpu_that_is_not_there(self):
        self.assert_refused(*RING, *ADDRESS, *WEB, "--lcores", "1000", says="CPU 1000")

    def test_secondary_process(self):
        self.assert_refused(*RING, *ADDRESS, *WEB, "--", "--proc-type=secondary", says="always the primary")

    def test_argument_that_eal_does_not_know(self):
        self.assert_refused(*RING, *ADDRESS, *WEB, "--", "--nonsense", says="--nonsense")

    def test_directory_that_is_not_there(self):
        self.assert_refused(*RING, *ADDRESS, *WEB, "--set", "service.http-80.directory=/nowhere", says="/nowhere")

    def test_mtu_that_the_interface_does_not_have(self):
        self.namespace.ip("link", "add", "own", "type", "veth", "peer", "name", "peer")
        self.assert_refused("--vdev", "net_af_packet0,iface=own", "--huge-pages", "off", *ADDRESS, *WEB,
                            "--set", "port.net_af_packet0.mtu=9000", says="ip link set dev own mtu 9000")

    def test_mtu_that_the_driver_cannot_send(self):
        self.assert_refused("--vdev", "net_tap0,iface=mrt0", "--huge-pages", "off", *ADDRESS, *WEB,
                            "--set", "port.net_tap0.mtu=4000", says="net_tap carries an MTU of at most 1500")

    def test_control_socket_that_cannot_be_made(self):
        self.assert_refused(*RING, *ADDRESS, *WEB, "--control-socket", "/proc/nowhere/control.sock", says="/proc/nowhere")


class Usage(harness.DaemonTest):
    def run_millrace(self, *args):
        return harness.sh(harness.MILLRACE, *args, check=False)

    def test_no_command(self):
        done = self.run_millrace()
        self.assertEqual(done.returncode, 2)
        self.assertIn("Usage: millrace [OPTIONS] COMMAND", done.stderr)

    def test_misspelt_command(self):
        done = self.run_millrace("sevre")
        self.assertEqual(done.returncode, 2)
        self.assertIn("did you mean serve?", done.stderr)

    def test_help_and_version(self):
        for words in (["--help"], ["--version"], ["serve", "--help"], ["demo", "--help"], ["config", "--help"]):
            done = self.run_millrace(*words)
            self.assertEqual(done.returncode, 0, words)
            self.assertNotEqual(done.stdout, "", words)


if __name__ == "__main__":
    harness.main()
