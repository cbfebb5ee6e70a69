"""The servers of the table: each is started in a scene on a link and runs on the server's CPU.

Neighbours: testpmd.py (the bare driver), clients.py (who asks them). Python's standard library alone.
"""

import os
import shlex
import time

from links import SERVER_ADDRESS
from scene import BenchError

HTTP, DISCARD, CHARGEN = 80, 9, 19
PAGE = "/page"
PAGE_BYTES = 128
OUTSIDE_SETTLE_S = 1.5


def page_directory(scene):
    """The page that every server answers with, for servers that read files."""
    directory = scene.path("www")
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, PAGE.strip("/")), "w", encoding="utf-8") as page:
        page.write("x" * PAGE_BYTES)
    return directory


def start_millrace(scene, link, settings, server="millrace"):
    words = [settings.program("millrace", server), "serve", "--vdev", link.vdev["server"], "--address", f"{SERVER_ADDRESS}/24",
             "--service", f"http:{HTTP},directory={page_directory(scene)}", "--service", f"discard:{DISCARD}",
             "--service", f"chargen:{CHARGEN}", "--lcores", str(scene.cpu["server"]), "--huge-pages", "auto",
             "--file-prefix", scene.file_prefix("server"), "--control-socket", scene.path("control.sock")]
    started = scene.start("server", link.place["server"], "server", words, pinned=False)
    started.wait_for(lambda: "\nready\n" in started.said(), "its line `ready`")
    return started


def start_kernel(scene, link, settings):
    words = [settings.program("kernel_peer"), "serve", SERVER_ADDRESS]
    server = scene.start("server", link.place["server"], "server", words)
    server.wait_for(lambda: "ready" in server.said(), "its line `ready`")
    return server


SERVER_NAMES = ("socket", "device", "address", "port", "cpu", "directory")


def fill(command, **values):
    """The words of a command line of the user's, with its placeholders filled."""
    try:
        return shlex.split(command.format(**values))
    except (KeyError, IndexError, ValueError) as error:
        known = ", ".join("{" + name + "}" for name in values)
        raise BenchError(f"`{command}` has a placeholder or a quote that is not understood ({error}); known are "
                         f"{known}, and {{{{ for a brace") from None


def start_outside(scene, link, command):
    """`command` is the user's. It has no way to say that it is ready: its socket tells, and a moment after that."""
    words = fill(command, socket=link.socket, address=SERVER_ADDRESS, port=HTTP, cpu=scene.cpu["server"],
                 device=link.vdev.get("server", ""), directory=page_directory(scene))
    server = scene.start("server", link.place["server"], "server", words)
    if link.vdev and "SOCKET" in link.device["server"]:
        server.wait_for(lambda: os.path.exists(link.socket), f"listening on {link.socket}")
    time.sleep(OUTSIDE_SETTLE_S)
    return server
