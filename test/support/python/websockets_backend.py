# Test support: a backend on Debian's `websockets`, with its default permessage-deflate and its own pings. Arguments: port, ping interval, ping time-out (s).
import asyncio
import sys

import websockets
from agent_protocol import Conversation, exit_with_parent, say


async def handle(socket):
    say(connected=socket.path, extensions=[str(each.name) for each in socket.extensions])
    conversation = Conversation(socket.send)
    try:
        async for text in socket:
            await conversation.receive(text)
    except websockets.ConnectionClosed:
        pass
    finally:
        conversation.close()
        say(closed=socket.close_code, reason=socket.close_reason)


async def main():
    port, interval, timeout = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    options = {"ping_interval": interval, "ping_timeout": timeout}
    async with websockets.serve(handle, "127.0.0.1", port, **options) as server:
        say(listening=server.sockets[0].getsockname()[1])
        await asyncio.Future()


exit_with_parent()
asyncio.run(main())
