# example: an agent backend in FastAPI. It streams the steps of a run over a WebSocket, and knows nothing of a sidecar.
import asyncio
import json
import os
import secrets
from pathlib import Path

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse

app = FastAPI()

PRICES = {"eu-west": 0.041, "us-east": 0.038, "asia-south": 0.035}


def event(kind, run_id, **fields):
    return {"type": kind, "event_id": f"evt_{secrets.token_hex(8)}", "run_id": run_id, **fields}


async def steps(question):
    """The events of one run, in order: a tool call for each region, then the answer."""
    run_id = f"run_{secrets.token_hex(4)}"
    yield event("agent_started", run_id, question=question)
    for region, price in PRICES.items():
        yield event("agent_thinking", run_id, reasoning=f"What does a core cost in {region}?")
        yield event("tool_executing", run_id, tool_name="price_list", parameters={"region": region})
        await asyncio.sleep(0.2)
        yield event("tool_completed", run_id, tool_name="price_list", result={"region": region, "eur_per_hour": price})
    cheapest = min(PRICES, key=PRICES.get)
    yield event("agent_completed", run_id, final_response=f"{cheapest} is cheapest.")


@app.get("/")
async def page():
    return FileResponse(Path(__file__).with_name("index.html"))


@app.websocket("/ws")
async def agent(socket: WebSocket):
    await socket.accept()
    try:
        while True:
            question = json.loads(await socket.receive_text())["question"]
            async for step in steps(question):
                await socket.send_text(json.dumps(step))
    except WebSocketDisconnect:
        pass


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))
