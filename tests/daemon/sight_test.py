"""Looking at an endpoint that has no time: at full load, with many connections to list, while it starts and stops.
The answers come, and are right. (A configuration whose pools could run dry is refused: config/validate.)"""

import json
import threading
import time

import harness
import looking
from looking import Client

CONNECTIONS = 20_000


class Sight(looking.LookingTest):
    def test_statistics_at_full_load_are_whole_and_move(self):
        serve = self.serve_memif()
        client = self.client(serve)
        self.load(serve, "--to", "10.98.0.2:80", "--connections", "64", "--duration", "60s")
        self.wait_for("the load begins", lambda: client.counters()["tcp_established"] >= 64)
        before = client.counters()
        for _ in range(100):
            now = client.counters()
            for name, value in before.items():
                self.assertGreaterEqual(now[name], value, f"{name} went back")
            before = now
        self.assertGreater(before["tcp_segments_received"], 1000)
        busy = before["loop_busy_iterations"]
        self.assertGreater(busy, 0)
        self.assertLess(sorted(client.seconds)[len(client.seconds) // 2], 1, "half of the answers within a second")
        self.assertEqual(serve.stop()[0], 0)

    def test_connections_by_the_thousand_are_listed_while_traffic_flows(self):
        serve = self.serve_memif("--set", "memory.connections=32768", "--set", "service.http-80.backlog=32768")
        client = self.client(serve)
        self.load(serve, "--to", "10.98.0.2:80", "--mode", "concurrent", "--connections", str(CONNECTIONS),
                  "--set", "memory.connections=32768", "--source", "10.98.0.1-10.98.0.1", "--duration", "120s")
        self.wait_for("the connections are open",
                      lambda: client.ask("stats")["total"]["gauges"]["connections"] >= CONNECTIONS)
        other = self.client(serve)
        segments = other.counters()["tcp_segments_received"]
        seen = []
        page = client.ask("conns")
        while True:
            seen += [row["id"] for row in page["rows"]]
            other.counters()  # nobody waits for the one who reads the list
            if page["next"] is None:
                break
            page = client.ask("conns", cursor=page["next"])
        self.assertEqual(len(seen), len(set(seen)), "no connection twice")
        self.assertEqual(len(seen), CONNECTIONS)
        found = client.ask("conns", filter="state = established and lport = 80", limit=5)
        self.assertEqual(len(found["rows"]), 5)
        self.assertGreaterEqual(other.counters()["tcp_segments_received"], segments)
        self.assertEqual(serve.stop()[0], 0)

    def test_questions_during_start_and_stop_hurt_nobody(self):
        """Somebody who asks all the time, from before the socket is there until after it has gone."""
        stop = threading.Event()
        answers = []
        strange = []

        def ask(path):
            while not stop.is_set():
                client = None
                try:
                    client = Client(path)
                    while not stop.is_set():
                        answers.append(client.ask("stats")["total"])
                        client.ask("conns")
                except (OSError, json.JSONDecodeError):
                    time.sleep(0.001)  # nobody there, or the line was cut by the end
                except AssertionError as error:
                    strange.append(str(error))
                finally:
                    if client is not None:
                        client.close()

        for _ in range(3):
            serve = self.serve("--vdev", "net_ring0", "--huge-pages", "off", "--address", "10.99.0.2/24",
                               "--service", "http:80")
            stop.clear()
            askers = [threading.Thread(target=ask, args=(serve.socket,)) for _ in range(4)]
            for asker in askers:
                asker.start()
            try:
                serve.wait_ready()
                had = len(answers)
                self.wait_for("answers", lambda had=had: len(answers) > had)
                code, errors = serve.stop()
            finally:
                stop.set()
                for asker in askers:
                    asker.join()
            self.assertEqual(code, 0, errors)
            self.assertEqual(serve.left_behind(), [])
        # An lcore that has ended while its answer was awaited may be said to have.
        self.assertEqual([text for text in strange if '"busy"' not in text and "'busy'" not in text], [])


if __name__ == "__main__":
    harness.main()
