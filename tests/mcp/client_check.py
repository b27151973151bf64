"""Speaks to the tool server with the official Python client (PyPI `mcp`), in each of its modes.

    python tests/mcp/client_check.py PROGRAM STORE URL

Over standard input and output (PROGRAM mcp --store STORE) and over HTTP (URL): lists the tools, calls each, reads a
resource, fetches a prompt. Ends with 1 when anything is not as documented.
"""

import asyncio
import json
import sys

from mcp import Client, StdioServerParameters

TOOLS = {
    "smart_triage_nlu": ({"text": "where is my order"}, "intent"),
    "query_order_database": ({"order_id": "ORD000001"}, "Order ID"),
    "find_orders": ({"user_id": "919811110001"}, "orders"),
    "check_refund_eligibility": ({"order_id": "ORD000001"}, "eligible"),
    "process_refund": ({"order_id": "ORD000002"}, "transaction_id"),
    "refund_status": ({"order_id": "ORD000002"}, "state"),
    "cancel_order": ({"order_id": "ORD000008", "reason": "a check"}, "status"),
    "change_order": ({"order_id": "ORD000010", "instructions": "leave it at the gate"}, "status"),
    "return_order": ({"order_id": "ORD000004", "resolution": "replacement", "reason": "a check"}, "status"),
    "search_knowledge": ({"query": "what are your business hours"}, "answerable"),
    "request_human_intervention": ({"user_id": "check", "reason": "a check", "priority": "low"}, "alert_id"),
}
VERSIONS = {"auto": "2026-07-28", "legacy": "2025-11-25", "2026-07-28": "2026-07-28"}


async def check(target, mode):
    async with Client(target, mode=mode) as client:
        assert client.protocol_version == VERSIONS[mode], client.protocol_version
        listed = [tool.name for tool in (await client.list_tools()).tools]
        assert listed == list(TOOLS), listed
        for name, (arguments, field) in TOOLS.items():
            result = await client.call_tool(name, arguments)
            assert not result.is_error, result
            assert field in result.structured_content, result
            assert json.loads(result.content[0].text) == result.structured_content, result
        wrong = await client.call_tool("query_order_database", {"order": "ORD000001"})
        assert wrong.is_error and "order_id" in wrong.content[0].text, wrong
        order = await client.read_resource("ecomres://orders/ORD000001")
        assert json.loads(order.contents[0].text)["Order ID"] == "ORD000001", order
        prompt = await client.get_prompt("refund_walkthrough", {"order_id": "ORD000001"})
        assert "ORD000001" in prompt.messages[0].content.text, prompt


async def main():
    program, store, url = sys.argv[1:]
    stdio = StdioServerParameters(command=program, args=["mcp", "--quiet", "--store", store])
    for place, target in (("stdio", stdio), ("http", url)):
        for mode in VERSIONS:
            await asyncio.wait_for(check(target, mode), 60)
            print(f"python client, {place}, {mode}: as documented")


asyncio.run(main())
