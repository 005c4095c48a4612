# Test support: what the Python backends do, whatever server carries them: emit agent events on request, remember what reached them.
import asyncio
import json
import os
import sys
import threading


def say(**fields):
    """One JSON line on stdout: how the test learns what happens here."""
    print(json.dumps(fields), flush=True)


def exit_with_parent():
    """Ends the process when stdin does: no orphan stays if the test is killed."""

    def wait():
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


class Conversation:
    """One connection. `send` is a coroutine function that sends a text message."""

    def __init__(self, send):
        self.send = send
        self.notes = []
        self.strangers = []
        self.tasks = set()

    async def receive(self, text):
        message = json.loads(text)
        kind = message.get("type")
        if kind == "emit":
            task = asyncio.create_task(self.emit(message["count"], message.get("every", 0), message.get("name", "e")))
            self.tasks.add(task)
        elif kind == "note":
            self.notes.append(message["n"])
        elif kind == "report":
            await self.send(json.dumps({"type": "ack", "notes": self.notes, "strangers": self.strangers}))
        else:
            self.strangers.append(kind)

    async def emit(self, count, every, name):
        try:
            for n in range(1, count + 1):
                event = {
                    "type": "agent_thinking",
                    "event_id": f"{name}-{n}",
                    "run_id": "run_1",
                    "agent_name": "Optimizer",
                    "reasoning": f"Comparing three regions, step {n}. " * 20,
                }
                await self.send(json.dumps(event))
                if every:
                    await asyncio.sleep(every)
            say(emitted=count, name=name)
        except Exception as error:  # The connection is gone: the server says so too.
            say(interrupted=type(error).__name__)

    def close(self):
        for task in self.tasks:
            task.cancel()
