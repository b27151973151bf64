"""Floods the bot and the tool server with connections, on this machine only, and prints what honest senders notice of it.

    python3 tests/bench/flood.py [BINARY] [SECONDS]      default: target/debug/ecomres, 20 seconds

The program runs with 1,024 descriptors (`ulimit -n 1024`). 1,200 connections say nothing and 1,200 speak slowly: a third of them
in the head of a request, a third in the body of a webhook, a third after a request that was answered. Whoever is closed comes
back. Meanwhile signed webhooks are sent, over new connections and over one that is kept, and each has to be acknowledged.
Then 8,000 sessions are begun at the tool server. Ends with 1 where a figure misses what is held to. Stops by itself.
"""

import asyncio
import hashlib
import hmac
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

IDLE = 1_200
SLOW = 1_200
SESSIONS = 8_000
DESCRIPTORS = 1_024
MOST_P99_MS = 250
MOST_MB = 250
TOKEN = "a token of the team"


def webhook(number: int, host: str, close: bool) -> bytes:
    """A signed webhook with one message that was never seen."""
    customer = f"9198{number % 500:08}"
    message = {
        "from": customer,
        "id": f"wamid.flood.{os.getpid()}.{number}",
        "timestamp": str(int(time.time())),
        "type": "text",
        "text": {"body": "Where is my order ORD000123?"},
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": "42"},
        "contacts": [{"profile": {"name": "A Customer"}, "wa_id": customer}],
        "messages": [message],
    }
    entry = {"id": "1", "changes": [{"value": value, "field": "messages"}]}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
    signature = hmac.new(b"secret", body, hashlib.sha256).hexdigest()
    connection = "Connection: close\r\n" if close else ""
    head = (
        f"POST /webhook HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{connection}"
        f"X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def idle(host: str, port: int) -> None:
    """Says nothing, and comes back when it is closed."""
    while True:
        try:
            reader, writer = await asyncio.open_connection(host, port)
            await reader.read()
            writer.close()
        except OSError:
            pass
        await asyncio.sleep(1)


async def slow(number: int, host: str, port: int) -> None:
    """Sends a byte every half second, in one of three places; the body of a webhook bears a signature as it should look."""
    head = f"POST /webhook HTTP/1.1\r\nHost: {host}\r\n".encode()
    body = head + b"X-Hub-Signature-256: sha256=" + b"0" * 64 + b"\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 100_000
    served = f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    while True:
        try:
            _, writer = await asyncio.open_connection(host, port)
            writer.write([head, body, served][number % 3])
            while True:
                await asyncio.sleep(0.5)
                if number % 3 < 2:
                    writer.write(b"x")
                await writer.drain()
                if writer.transport.is_closing():
                    break
            writer.close()
        except OSError:
            pass
        await asyncio.sleep(1)


async def deliver(request: bytes, host: str, port: int) -> None:
    """Sends a webhook over a connection of its own."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(request)
        answer = await reader.read()
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"a signed webhook was answered with {answer[:60]!r}")
    finally:
        writer.close()


async def keep(host: str, port: int, end: float, waits: list[float]) -> int:
    """Sends webhooks over one connection as long as it is kept; how often it was closed in between."""
    closed, number = 0, 10_000_000
    while time.perf_counter() < end:
        reader, writer = await asyncio.open_connection(host, port)
        try:
            while time.perf_counter() < end:
                number += 1
                begun = time.perf_counter()
                writer.write(webhook(number, f"{host}:{port}", close=False))
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200"), head
                waits.append(time.perf_counter() - begun)
                await asyncio.sleep(0.05)
        except (OSError, asyncio.IncompleteReadError):
            closed += 1
        writer.close()
    return closed


def share(waits: list[float], part: float) -> float:
    return sorted(waits)[min(len(waits) - 1, int(len(waits) * part))] * 1_000


def memory(pid: int) -> float:
    """The most memory that a process had, in MB."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1_024


def processor(pid: int) -> float:
    """The processor time that a process has used, in seconds."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


class Program:
    """A running server, ended by its id."""

    def __init__(self, binary: str, arguments: list[str], folder: str, told: str):
        environment = os.environ | {
            "VERIFY_TOKEN": "v", "APP_SECRET": "secret", "ACCESS_TOKEN": "t", "PHONE_ID": "42", "MCP_TOKEN": TOKEN,
            "ECOMRES_WHATSAPP__GRAPH_URL": "http://127.0.0.1:9", "ECOMRES_MCP__REQUESTS_PER_SECOND": "1000000",
            # Turns wait for the end: only taking messages in is looked at.
            "ECOMRES_WHATSAPP__BURST_MS": "60000", "ECOMRES_WHATSAPP__BURST_LONGEST_MS": "600000",
        }
        log = pathlib.Path(folder, f"{arguments[0]}.txt")
        limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
        with log.open("w") as errors:
            self.process = subprocess.Popen(
                [binary, *arguments], cwd=folder, env=environment, stderr=errors, preexec_fn=limit
            )
        for _ in range(600):
            text = log.read_text()
            if told in text:
                break
            if self.process.poll() is not None:
                raise RuntimeError(f"it ended before it served:\n{text}")
            time.sleep(0.1)
        address = text.split(told)[1].split("/")[0]
        self.host, port = address.split(":")
        self.port = int(port)
        self.pid = self.process.pid

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


async def flood(bot: Program, seconds: float) -> list[str]:
    host, port = bot.host, bot.port
    plain: list[float] = []
    for number in range(100):
        begun = time.perf_counter()
        await deliver(webhook(number, f"{host}:{port}", close=True), host, port)
        plain.append(time.perf_counter() - begun)
    print(f"signed webhooks alone: p50 {share(plain, 0.5):.1f} ms, p99 {share(plain, 0.99):.1f} ms")
    # A process of its own: what the flood costs its sender is not what a webhook has to wait for.
    flooding = subprocess.Popen([sys.executable, __file__, "--flood", host, str(port)])
    try:
        return await beside(bot, seconds)
    finally:
        flooding.kill()
        flooding.wait()


async def attack(host: str, port: int) -> None:
    """All that flood, until the process is killed, or for ten minutes."""
    floods = [idle(host, port) for _ in range(IDLE)] + [slow(number, host, port) for number in range(SLOW)]
    await asyncio.wait_for(asyncio.gather(*floods), 600)


async def beside(bot: Program, seconds: float) -> list[str]:
    """Sends webhooks beside the flood."""
    host, port = bot.host, bot.port
    await asyncio.sleep(5)
    worked, begin = processor(bot.pid), time.perf_counter()
    end = time.perf_counter() + seconds
    kept: list[float] = []
    keeping = asyncio.create_task(keep(host, port, end, kept))
    waits: list[float] = []
    failed: list[str] = []
    most, number = 0, 1_000
    while time.perf_counter() < end:
        number += 1
        begun = time.perf_counter()
        try:
            await asyncio.wait_for(deliver(webhook(number, f"{host}:{port}", close=True), host, port), 10)
        except (OSError, RuntimeError, asyncio.TimeoutError) as error:
            failed.append(repr(error))
        waits.append(time.perf_counter() - begun)
        most = max(most, descriptors(bot.pid))
        await asyncio.sleep(0.02)
    closed = await keeping
    worked = (processor(bot.pid) - worked) / (time.perf_counter() - begin)
    peak = memory(bot.pid)
    print(
        f"with {IDLE} idle and {SLOW} slow connections, {DESCRIPTORS} descriptors: {len(waits)} signed webhooks over new "
        f"connections: p50 {share(waits, 0.5):.1f} ms, p99 {share(waits, 0.99):.1f} ms, longest {share(waits, 1):.1f} ms, "
        f"{len(failed)} failed; {len(kept)} over a kept one: p99 {share(kept, 0.99):.1f} ms, closed {closed} times; "
        f"{peak:.0f} MB, {most} descriptors, {worked:.0%} of a core"
    )
    wrong = [f"not acknowledged: {error}" for error in failed[:5]]
    for name, times in (("new", waits), ("kept", kept)):
        if share(times, 0.99) > MOST_P99_MS:
            wrong.append(f"p99 over {name} connections is {share(times, 0.99):.0f} ms, held to {MOST_P99_MS}")
    if peak > MOST_MB:
        wrong.append(f"{peak:.0f} MB, held to {MOST_MB}")
    return wrong


async def sessions(server: Program) -> list[str]:
    host, port = server.host, server.port
    params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "flood", "version": "1"}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}).encode()
    request = (
        f"POST /mcp HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Accept: application/json, text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    begun = time.perf_counter()

    async def begin(count: int) -> None:
        reader, writer = await asyncio.open_connection(host, port)
        for _ in range(count):
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert head.startswith(b"http/1.1 200") and b"mcp-session-id" in head, head
            if b"content-length:" in head:
                await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
            else:
                await reader.readuntil(b"\r\n0\r\n\r\n")
        writer.close()

    await asyncio.gather(*(begin(SESSIONS // 32) for _ in range(32)))
    peak = memory(server.pid)
    print(f"{SESSIONS} MCP sessions begun in {time.perf_counter() - begun:.1f} s: {peak:.0f} MB")
    return [f"{peak:.0f} MB after {SESSIONS} sessions, held to {MOST_MB}"] if peak > MOST_MB else []


def main() -> int:
    if sys.argv[1:2] == ["--flood"]:
        asyncio.run(attack(sys.argv[2], int(sys.argv[3])))
        return 0
    binary = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "target/debug/ecomres")
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 20
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < IDLE + SLOW + 200:
        print(f"this shell may open {hard} files only: too few for the flood", file=sys.stderr)
        return 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8_192) if hard > 0 else 8_192), hard))
    print(f"{binary}: a {'release' if '/release/' in binary else 'development'} build")
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        quiet = {"cwd": folder, "check": True, "stdout": subprocess.DEVNULL}
        subprocess.run([binary, "sample", "orders", "--out", "orders.csv", "--quiet"], **quiet)
        subprocess.run([binary, "import", "orders.csv", "--store", "shop.db", "--quiet"], **quiet)
        for arguments, told, check in (
            (["bot", "--port", "0", "--store", "shop.db"], "bot listening at http://", lambda at: flood(at, seconds)),
            (["mcp", "--http", "127.0.0.1:0", "--store", "shop.db"], "initialising at http://", sessions),
        ):
            server = Program(binary, arguments, folder, told)
            try:
                # Whatever happens, it ends.
                wrong += asyncio.run(asyncio.wait_for(check(server), seconds + 180))
                if server.process.poll() is not None:
                    wrong.append(f"{arguments[0]} ended under the flood")
            finally:
                server.end()
    for line in wrong:
        print(f"missed: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
