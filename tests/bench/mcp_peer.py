"""The peer of tests/bench/mcp.sh: query_order_database served by the official Python SDK, of the same database.

    python tests/bench/mcp_peer.py STORE [PORT]     standard input and output, or HTTP at 127.0.0.1:PORT
"""

import sqlite3
import sys

from mcp.server import MCPServer

server = MCPServer("peer", log_level="ERROR")
database = sqlite3.connect(sys.argv[1], check_same_thread=False)
NAMES = ("Order ID", "Customer ID", "Platform", "Order Date & Time", "Product Category", "Order Value (INR)")
QUERY = "SELECT order_id, customer_id, platform, placed, category, value_paise FROM order_details WHERE order_id = ?"


@server.tool()
async def query_order_database(order_id: str) -> dict:
    """Gives the facts of one order."""
    found = database.execute(QUERY, (order_id.strip().upper(),)).fetchone()
    if found is None:
        return {"error": f"Order {order_id} was not found."}
    return dict(zip(NAMES, (*found[:-1], found[-1] / 100)))


if len(sys.argv) > 2:
    import uvicorn

    app = server.streamable_http_app(json_response=True, stateless_http=True)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error")
else:
    server.run()
