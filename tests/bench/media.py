"""The load of `media.sh`: a stand-in for the Graph API that serves files, and customers who send them. Needs nothing but Python."""

import hashlib
import hmac
import http.server
import json
import os
import random
import socketserver
import sqlite3
import struct
import subprocess
import sys
import threading
import time
import urllib.request
import zlib

BINARY, COUNT = sys.argv[1], int(sys.argv[2])
SECRET = "app-secret"
HEAVY = "919800000000"


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def photo(number, side):
    """A PNG that no other is like, of noise, so that it is as large as a photo."""
    noise = random.Random(number)
    rows = b"".join(b"\0" + noise.randbytes(side * 3) for _ in range(side))
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def content(number):
    """Of ten files, seven are photos of about 200 KB, two recordings of 100 KB, one is a document of 5 MB."""
    kind = number % 10
    if kind < 7:
        return photo(number, 256)
    noise = random.Random(number)
    return b"OggS" + noise.randbytes(100_000) if kind < 9 else b"%PDF-1.7" + noise.randbytes(5_000_000)


class Graph(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, body, kind="application/json"):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        name = self.path.rsplit("/", 1)[1]
        if self.path.startswith("/files/"):
            self.answer(content(int(name)), "application/octet-stream")
        else:
            url = f"http://{self.headers['host']}/files/{name}"
            self.answer(json.dumps({"url": url, "id": name}).encode())

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        sent = {"messages": [{"id": f"wamid.out.{random.randrange(1 << 60)}"}], "success": True}
        self.answer(json.dumps(sent).encode())

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128


def kind_of(number):
    kind = number % 10
    return "image" if kind < 7 else "audio" if kind < 9 else "document"


def webhook(url, user, number):
    """Sends a message with a file, and returns how long the acknowledgement took."""
    kind = kind_of(number)
    message = {"from": user, "id": f"wamid.{number}", "timestamp": str(int(time.time())), "type": kind, kind: {"id": str(number)}}
    value = {"messaging_product": "whatsapp", "contacts": [{"wa_id": user}], "messages": [message]}
    body = json.dumps({"entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}).encode()
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    request = urllib.request.Request(f"{url}/webhook", body, {"X-Hub-Signature-256": signature})
    begun = time.monotonic()
    with urllib.request.urlopen(request) as answer:
        answer.read()
    return time.monotonic() - begun


def started(arguments, environment, says):
    process = subprocess.Popen([BINARY, *arguments], env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if says in line:
            url = line.split(says, 1)[1].split()[0].removesuffix("/webhook").rstrip("/")
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return process, url
    sys.exit("it ended before it listened")


def peak(process):
    """The most memory that a process had, in MB."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024


def stored():
    with sqlite3.connect("shop.db") as store:
        return store.execute("SELECT count(*) FROM media WHERE state = 'stored'").fetchone()[0]


graph = Server(("127.0.0.1", 0), Graph)
threading.Thread(target=graph.serve_forever, daemon=True).start()
environment = {
    "VERIFY_TOKEN": "v", "APP_SECRET": SECRET, "ACCESS_TOKEN": "t", "PHONE_ID": "42", "RUST_LOG": "error",
    "ECOMRES_WHATSAPP__GRAPH_URL": f"http://127.0.0.1:{graph.server_port}", "ECOMRES_MEDIA__QUOTA_MB": "20000",
}
bot, url = started(["bot", "--offline", "--port", "0", "--store", "shop.db"], environment, "bot listening at ")
idle = peak(bot)
begun = time.monotonic()
waits = []
for number in range(COUNT):
    # Of ten files one is of the customer whose page is looked at, where that is a photo.
    heavy = number < 50 * 10 and number % 10 == 0
    waits.append(webhook(url, HEAVY if heavy else f"9198{number % 200 + 1:08}", number))
sent = time.monotonic() - begun
while stored() < COUNT:
    if time.monotonic() - begun > 600:
        sys.exit(f"only {stored()} of {COUNT} files are stored")
    time.sleep(0.1)
took = time.monotonic() - begun
most = peak(bot)
waits.sort()
for number in range(COUNT):
    place = os.path.join("shop.db.media", hashlib.sha256(content(number)).hexdigest())
    if not os.path.exists(place):
        sys.exit(f"file {number} is lost")
bot.terminate()
bot.wait()

pages, site = started(["dashboard", "--port", "0", "--store", "shop.db", "--i-am-alone"], {}, "dashboard at ")
shown = []
for _ in range(5):
    begun = time.monotonic()
    with urllib.request.urlopen(f"{site}/conversation?user={HEAVY}") as answer:
        page = answer.read().decode()
    shown.append(time.monotonic() - begun)
pictures = [part.split('"', 1)[0] for part in page.split('<img src="/media/')[1:]]
begun = time.monotonic()
for picture in pictures:
    with urllib.request.urlopen(f"{site}/media/{picture}") as answer:
        answer.read()
all_pictures = time.monotonic() - begun
memory = peak(pages)
pages.terminate()
pages.wait()

a_minute = COUNT / took * 60
page_ms = sorted(shown)[2] * 1000
print(f"{COUNT} files in {took:.1f} s: {a_minute:.0f} a minute (webhooks sent in {sent:.1f} s)")
print(f"acknowledged after {waits[len(waits) // 2] * 1000:.1f} ms (median), {waits[int(len(waits) * 0.99)] * 1000:.1f} ms (99 of 100)")
print(f"memory of the bot: {idle:.0f} MB before the first file, {most:.0f} MB at most")
print(f"a page with {len(pictures)} pictures: {page_ms:.0f} ms; its pictures, one after the other: {all_pictures * 1000:.0f} ms; "
      f"{memory:.0f} MB at most")
if a_minute < 1000 or most > 300 or page_ms > 300:
    sys.exit("a figure is missed")
