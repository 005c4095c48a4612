"""Runs code in a kernel through Jupyter's own client of remote kernels, and prints what the code displays, a JSON line each."""

import asyncio
import json
import sys

from jupyter_server.gateway.gateway_client import GatewayClient
from jupyter_server.gateway.managers import GatewayKernelManager


async def main(address: str, notes: int) -> None:
    GatewayClient.instance(url=address)
    manager = GatewayKernelManager()
    await manager.start_kernel(kernel_name="python3")
    client = manager.client()
    await client.start_channels()
    sent = client.execute(
        f"for n in range(1, {notes + 1}): display({{'text/plain': f'note {{n}}'}}, raw=True)"
    )
    shown = []
    while True:
        message = await client.get_iopub_msg(timeout=60)
        if message["parent_header"].get("msg_id") != sent:
            continue
        content = message["content"]
        if message["msg_type"] == "display_data":
            shown.append(content["data"]["text/plain"])
        elif content.get("execution_state") == "idle":
            break
    reply = await client.get_shell_msg(timeout=60)
    client.stop_channels()
    await manager.shutdown_kernel(now=True)
    print(json.dumps({"shown": shown, "reply": reply["content"]["status"]}), flush=True)


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
