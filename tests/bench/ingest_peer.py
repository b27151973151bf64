"""The original's stack, for comparison: FastAPI and pywa on uvicorn, with a handler that does nothing."""

import sys

import uvicorn
from fastapi import FastAPI
from pywa_async import WhatsApp, types

app = FastAPI()
client = WhatsApp(
    phone_id="42",
    token="t",
    server=app,
    webhook_endpoint="/webhook",
    verify_token="v",
    app_secret="secret",
    validate_updates=True,
)


@client.on_message
async def handle(_: WhatsApp, message: types.Message) -> None:
    """Keeps nothing."""


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
