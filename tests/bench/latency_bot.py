"""Starts the bot beside a stand-in for the Graph API and prints how long replies take.

Usage: latency_bot.py BINARY SECONDS, in a folder with shop.db (see latency_bot.sh)
"""

import hashlib
import hmac
import http.client
import json
import os
import queue
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TARGETS = {"p50": 15.0, "p99": 60.0}
AT_ONCE = 4
WARM_UP = 10
LONGEST = 20.0
TEXTS = [
    "where is my order ORD{order:06}",
    "hello",
    "What are your business hours?",
    "how long does a refund take?",
    "thanks",
]

accepted: dict[str, queue.Queue] = {}


class Server(ThreadingHTTPServer):
    """Prints no errors when the bot ends."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Writes nothing."""


class Graph(BaseHTTPRequestHandler):
    """Accepts every message and records when."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        at = time.perf_counter()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "to" in body:
            accepted[body["to"]].put(at)
        answer = json.dumps({"success": True, "messages": [{"id": f"wamid.out.{at}"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Writes nothing."""


def customer(number: int, host: str, turns: int, end: float, waits: list[float]) -> None:
    """Writes one message after the other, each after the answer to the one before."""
    name = f"9198{number:08}"
    accepted[name] = queue.Queue()
    connection = http.client.HTTPConnection(host, timeout=LONGEST)
    for turn in range(turns):
        if time.perf_counter() > end:
            break
        text = TEXTS[turn % len(TEXTS)].format(order=number % 19 + 1)
        message = {
            "from": name,
            "id": f"wamid.{number}.{turn}",
            "timestamp": str(int(time.time())),
            "type": "text",
            "text": {"body": text},
        }
        value = {"messaging_product": "whatsapp", "contacts": [{"wa_id": name}], "messages": [message]}
        entry = {"id": "1", "changes": [{"field": "messages", "value": value}]}
        body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
        signature = hmac.new(b"secret", body, hashlib.sha256).hexdigest()
        begun = time.perf_counter()
        connection.request("POST", "/webhook", body, {"X-Hub-Signature-256": f"sha256={signature}"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"answered with {answer.status}")
        waits.append((accepted[name].get(timeout=LONGEST) - begun) * 1_000)


def at(waits: list[float], share: float) -> float:
    return waits[min(len(waits) - 1, int(len(waits) * share))]


def report(name: str, waits: list[float]) -> None:
    waits.sort()
    numbers = ", ".join(
        f"{key} {at(waits, int(key[1:]) / 100):.1f} ms (target: under {most:.0f})" for key, most in TARGETS.items()
    )
    print(f"{name}: {len(waits)} messages, {numbers}, longest {waits[-1]:.1f} ms", flush=True)


def main() -> None:
    binary, seconds = sys.argv[1], float(sys.argv[2])
    graph = Server(("127.0.0.1", 0), Graph)
    threading.Thread(target=graph.serve_forever, daemon=True).start()
    settings = {
        "VERIFY_TOKEN": "v",
        "APP_SECRET": "secret",
        "ACCESS_TOKEN": "t",
        "PHONE_ID": "42",
        "ECOMRES_WHATSAPP__GRAPH_URL": f"http://127.0.0.1:{graph.server_port}",
        "ECOMRES_WHATSAPP__BURST_MS": "0",
        "ECOMRES_WHATSAPP__MESSAGES_PER_SECOND": "10000",
        "ECOMRES_WHATSAPP__PAIR_BURST": "1000",
        # Who asks the same again and again gets a person, and no further replies.
        "ECOMRES_ESCALATION__FAILURES": "1000",
    }
    bot = subprocess.Popen(
        [binary, "bot", "--offline", "--port", "0", "--store", "shop.db"],
        env=os.environ | settings,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        host, lines = "", []
        for line in bot.stderr:
            if "bot listening at http://" in line:
                host = line.split("http://")[1].split("/")[0]
                break
            lines.append(line)
        if not host:
            raise SystemExit("the bot ended before it listened: " + "".join(lines))
        threading.Thread(target=lambda: [None for _ in bot.stderr], daemon=True).start()
        customer(0, host, WARM_UP, float("inf"), [])

        waits: list[float] = []
        end = time.perf_counter() + seconds / 2
        number = 1
        while time.perf_counter() < end:
            customer(number, host, len(TEXTS), end, waits)
            number += 1
        report("one message at a time", waits)

        lists: list[list[float]] = [[] for _ in range(AT_ONCE)]
        failed: list[BaseException] = []
        end = time.perf_counter() + seconds / 2

        def many(place: int) -> None:
            own = 1_000_000 * (place + 1)
            try:
                while time.perf_counter() < end:
                    customer(own, host, len(TEXTS), end, lists[place])
                    own += 1
            except BaseException as error:  # noqa: BLE001: reported by the main thread
                failed.append(error)

        threads = [threading.Thread(target=many, args=(place,)) for place in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise SystemExit(f"a message was not answered: {failed[0]!r}")
        report(f"{AT_ONCE} customers at once", sum(lists, []))
    finally:
        bot.kill()
        bot.wait()


main()
