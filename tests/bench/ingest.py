"""Sends signed webhooks to a server for some seconds over many connections and prints what it acknowledged.

Usage: ingest.py NAME URL PID SECONDS
"""

import asyncio
import hashlib
import hmac
import json
import os
import sys
import time

CONNECTIONS = 64
CUSTOMERS = 2_000


def request(number: int, host: str, path: str) -> bytes:
    """A webhook as Meta sends it, with one text message that was never seen."""
    customer = f"9198{number % CUSTOMERS:08}"
    message = {
        "from": customer,
        "from_user_id": f"IN.{customer}",
        "id": f"wamid.HBgMOTE5ODc2NTQzMjEwFQIAEhgg{os.getpid():08x}{number:016x}",
        "timestamp": str(int(time.time())),
        "text": {"body": "Hello, where is my order ORD000123? It should have been here an hour ago."},
        "type": "text",
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": "42"},
        "contacts": [{"profile": {"name": "A Customer"}, "wa_id": customer, "user_id": f"IN.{customer}"}],
        "messages": [message],
    }
    entry = {"id": "419561257915477", "changes": [{"value": value, "field": "messages"}]}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
    signature = hmac.new(b"secret", body, hashlib.sha256).hexdigest()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def caller(requests: list[bytes], host: str, port: int, end: float, waits: list[float], wrong: list[bytes]) -> None:
    """Sends one request after the other over one connection."""
    reader, writer = await asyncio.open_connection(host, port)
    while requests and time.perf_counter() < end:
        begun = time.perf_counter()
        writer.write(requests.pop())
        head = await reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        if b"content-length:" in lower:
            length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
            if length:
                await reader.readexactly(length)
        waits.append(time.perf_counter() - begun)
        if not head.startswith(b"HTTP/1.1 200"):
            wrong.append(head)
    writer.close()


def resident(pid: int) -> float:
    """The memory of a process in MB."""
    with open(f"/proc/{pid}/status") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


async def main() -> None:
    name, url, pid, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    authority, _, path = url.removeprefix("http://").partition("/")
    host, port = authority.split(":")
    # Made beforehand: signing costs the sender as much as the server.
    requests = [request(number, authority, f"/{path}") for number in range(int(12_000 * seconds))]
    waits: list[float] = []
    wrong: list[bytes] = []
    begun = time.perf_counter()
    end = begun + seconds
    await asyncio.gather(*(caller(requests, host, int(port), end, waits, wrong) for _ in range(CONNECTIONS)))
    took = time.perf_counter() - begun
    waits.sort()
    at = lambda share: waits[min(len(waits) - 1, int(len(waits) * share))] * 1_000
    print(
        f"{name}: {len(waits) / took:,.0f} webhooks/s acknowledged over {CONNECTIONS} connections, "
        f"p50 {at(0.5):.1f} ms, p99 {at(0.99):.1f} ms, longest {waits[-1] * 1_000:.1f} ms, "
        f"{len(wrong)} refused, memory {resident(pid):.0f} MB"
    )
    if wrong:
        print(wrong[0].decode(errors="replace"))
        sys.exit(1)


asyncio.run(main())
