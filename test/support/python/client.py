# Test support: a client on Debian's `websockets`, to be stopped or killed by the test. Arguments: URL, what to send at first.
import asyncio
import sys

import websockets
from agent_protocol import exit_with_parent, say


async def main():
    async with websockets.connect(sys.argv[1], ping_interval=None, max_queue=None) as socket:
        say(connected=sys.argv[1])
        for text in sys.argv[2:]:
            await socket.send(text)
        count = 0
        try:
            async for _ in socket:
                count += 1
                say(received=count)
        except websockets.ConnectionClosed:
            pass
        say(closed=socket.close_code)


exit_with_parent()
asyncio.run(main())
