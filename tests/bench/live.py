"""Posts orders to a running bot while customers write to it, and prints how many and how fast.

Usage: live.py BINARY SECONDS, in a folder with shop.db (see live.sh)
"""

import asyncio
import hashlib
import hmac
import json
import os
import subprocess
import sys
import time

CUSTOMERS = 200
PAUSE = 1.0
CONNECTIONS = 32
RATE = 1_000
BATCH = 100
KNOWN = 20_000
TOKEN = "a-token-of-the-bench-of-more-than-22"
TEXTS = ["where is my order ORD{order:06}", "hello", "What are your business hours?", "how long does a refund take?", "thanks"]

replied: dict[str, asyncio.Event] = {}


async def read_http(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The head and the body of a request or an answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0]) if b"content-length:" in lower else 0
    return head, await reader.readexactly(length)


async def graph(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The stand-in for the Graph API: takes every message."""
    try:
        while True:
            _, body = await read_http(reader)
            message = json.loads(body)
            if message.get("to") in replied:
                replied[message["to"]].set()
            answer = json.dumps({"success": True, "messages": [{"id": f"wamid.out.{time.perf_counter_ns()}"}]}).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def post(host: str, path: str, headers: str, body: bytes) -> bytes:
    """A request."""
    return f"POST {path} HTTP/1.1\r\nHost: {host}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def customer(number: int, host: str, stop: asyncio.Event, waits: list[float]) -> None:
    """Writes a message, waits for the answer, and writes the next."""
    name = f"9198{number:08}"
    replied[name] = asyncio.Event()
    reader, writer = await asyncio.open_connection(*host.split(":"))
    await asyncio.sleep(PAUSE * number / CUSTOMERS)
    turn = 0
    while not stop.is_set():
        text = TEXTS[turn % len(TEXTS)].format(order=number % 19 + 1)
        message = {"from": name, "id": f"wamid.{number}.{time.time_ns()}", "timestamp": str(int(time.time())), "type": "text", "text": {"body": text}}
        value = {"messaging_product": "whatsapp", "contacts": [{"wa_id": name}], "messages": [message]}
        change = {"field": "messages", "value": value}
        body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}).encode()
        signature = hmac.new(b"secret", body, hashlib.sha256).hexdigest()
        replied[name].clear()
        begun = time.perf_counter()
        writer.write(post(host, "/webhook", f"X-Hub-Signature-256: sha256={signature}\r\n", body))
        head, _ = await read_http(reader)
        assert head.startswith(b"HTTP/1.1 200"), head
        await asyncio.wait_for(replied[name].wait(), 30)
        waits.append(time.perf_counter() - begun)
        turn += 1
        await asyncio.sleep(PAUSE)
    writer.close()


def order(number: int) -> dict:
    """One of the known orders, in a version that was never seen."""
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(1_700_000_000 + number)) + "Z"
    items = [{"sku": "FC-500", "name": "Filter Coffee 500 g", "quantity": 1, "price": "349.00"}, {"sku": "ST", "name": "Tumbler", "quantity": 2, "price": "100.00"}]
    return {
        "order_id": f"LIVE{number % KNOWN:06}", "customer_phone": f"+9197{number % KNOWN:08}", "customer_name": "Asha Rao", "total": "599.00",
        "currency": "INR", "status": "confirmed", "payment_status": "paid", "items": items, "updated_at": at, "address": "12 MG Road, Bengaluru 560001",
    }


async def sender(host: str, batch: int, pace: float, end: float, next_order: list[int], waits: list[float]) -> None:
    """Posts one body after the other; `pace`: seconds between two of them, 0: at once."""
    reader, writer = await asyncio.open_connection(*host.split(":"))
    due = time.perf_counter()
    while time.perf_counter() < end:
        orders = [order(next_order[0] + number) for number in range(batch)]
        next_order[0] += batch
        body = json.dumps(orders if batch > 1 else orders[0]).encode()
        if pace:
            due += pace
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
        begun = time.perf_counter()
        writer.write(post(host, "/orders", f"Authorization: Bearer {TOKEN}\r\n", body))
        head, answer = await read_http(reader)
        waits.append(time.perf_counter() - begun)
        assert head.startswith(b"HTTP/1.1 200"), (head, answer)
        assert json.loads(answer)["accepted"] == batch, answer
    writer.close()


def at(waits: list[float], share: float) -> float:
    """A quantile, in milliseconds."""
    waits.sort()
    return waits[min(len(waits) - 1, int(len(waits) * share))] * 1_000 if waits else 0.0


async def main() -> None:
    binary, seconds = sys.argv[1], float(sys.argv[2])
    server = await asyncio.start_server(graph, "127.0.0.1", 0)
    api = "http://{}:{}".format(*server.sockets[0].getsockname())
    settings = {
        "VERIFY_TOKEN": "v", "APP_SECRET": "secret", "ACCESS_TOKEN": "t", "PHONE_ID": "42", "ORDERS_TOKEN": TOKEN, "ECOMRES_WHATSAPP__GRAPH_URL": api,
        "ECOMRES_WHATSAPP__BURST_MS": "0", "ECOMRES_WHATSAPP__MESSAGES_PER_SECOND": "5000", "ECOMRES_WHATSAPP__PAIR_BURST": "1000",
        "ECOMRES_ORDERS__DAILY_LIMIT": "1000000", "ECOMRES_ESCALATION__FAILURES": "1000",
    }
    bot = subprocess.Popen([binary, "bot", "--offline", "--port", "0", "--store", "shop.db"], stderr=subprocess.PIPE, text=True, env={**os.environ, **settings})
    try:
        host = next(line.split("http://")[1].split("/")[0] for line in bot.stderr if line.startswith("bot listening"))
        asyncio.get_running_loop().run_in_executor(None, bot.stderr.read)
        next_order = [0]
        for name, batch, pace in [(f"{RATE:,} single posts/s", 1, CONNECTIONS / RATE), ("single posts", 1, 0.0), (f"lists of {BATCH}", BATCH, 0.0)]:
            stop, answers, waits = asyncio.Event(), [], []
            talk = [asyncio.create_task(customer(number, host, stop, answers)) for number in range(CUSTOMERS)]
            await asyncio.sleep(2 * PAUSE)
            answers.clear()
            begun = time.perf_counter()
            senders = 4 if batch > 1 else CONNECTIONS
            await asyncio.gather(*(sender(host, batch, pace, begun + seconds, next_order, waits) for _ in range(senders)))
            took = time.perf_counter() - begun
            stop.set()
            replies = len(answers)
            await asyncio.gather(*talk)
            print(
                f"{name}, {senders} connections: {len(waits) * batch / took:,.0f} orders/s acknowledged, p50 {at(waits, 0.5):.1f} ms, p99 {at(waits, 0.99):.1f} ms; "
                f"{CUSTOMERS} conversations beside it: {replies / took:,.0f} answers/s, p50 {at(answers, 0.5):.1f} ms, p99 {at(answers, 0.99):.1f} ms"
            )
            for event in replied.values():
                event.clear()
        with open(f"/proc/{bot.pid}/status") as status:
            peak = next(line for line in status if line.startswith("VmHWM"))
        print(f"memory at most {int(peak.split()[1]) / 1024:.0f} MB")
    finally:
        bot.terminate()
        bot.wait()


asyncio.run(main())
