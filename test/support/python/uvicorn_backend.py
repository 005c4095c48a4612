# Test support: a minimal ASGI application on Debian's `uvicorn`. Arguments: port, ping interval, ping time-out (s), implementation (websockets or wsproto).
import asyncio
import socket
import sys

import uvicorn
from agent_protocol import Conversation, exit_with_parent, say


async def application(scope, receive, send):
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    say(connected=scope["path"])
    conversation = Conversation(lambda text: send({"type": "websocket.send", "text": text}))
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            conversation.close()
            say(closed=message.get("code"))
            return
        if message.get("text") is not None:
            await conversation.receive(message["text"])


async def main():
    port, interval, timeout, implementation = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
    listener = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(
        application,
        ws=implementation,
        ws_ping_interval=interval,
        ws_ping_timeout=timeout,
        lifespan="off",
        log_level="warning",
    )
    say(listening=listener.getsockname()[1])
    await uvicorn.Server(config).serve(sockets=[listener])


exit_with_parent()
asyncio.run(main())
