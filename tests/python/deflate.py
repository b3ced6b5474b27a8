"""Every combination of permessage-deflate parameters, with a client that is no NATS client: `python deflate.py <url>`.

Prints `ok <offer> -> <answer>` for each.
"""

import asyncio
import itertools
import random
import sys

from websockets.asyncio.client import connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

URL = sys.argv[1]
DEADLINE_S = 15


def payloads():
    """Short and long, dense and random, over and under every window."""
    chance = random.Random(7)
    yield b""
    yield b"x" * 63
    for size in (65, 600, 5000, 40_000, 200_000):
        yield b'{"temperature":21.5,"unit":"C"}' * (size // 31 + 1)
        yield chance.randbytes(size)
    # What lies just within, at, and beyond the windows of 9 and 15 bits.
    block = chance.randbytes(300)
    for gap in (200, 212, 220, 32_400, 32_468, 32_500):
        yield block + chance.randbytes(gap) + block


async def exchange(ws):
    received = b""

    async def until(end):
        nonlocal received
        while end not in received:
            received += await ws.recv()
        taken, _, received = received.partition(end)
        return taken

    await until(b"\r\n")
    await ws.send(b'CONNECT {"verbose":false}\r\nSUB deflate.> 1\r\n')
    for number, payload in enumerate(payloads()):
        op = b"PUB deflate.%d %d\r\n%s\r\n" % (number, len(payload), payload)
        if number % 2:
            await ws.send(op)
        else:
            # In fragments.
            third = len(op) // 3 + 1
            await ws.send([op[at : at + third] for at in range(0, len(op), third)])
        head = await until(b"\r\n")
        assert head == b"MSG deflate.%d 1 %d" % (number, len(payload)), head
        while len(received) < len(payload) + 2:
            received += await ws.recv()
        assert received[: len(payload) + 2] == payload + b"\r\n", f"payload {number} was changed"
        received = received[len(payload) + 2 :]
    await ws.send(b"PING\r\n")
    await until(b"PONG\r\n")


async def check(offer):
    factory = ClientPerMessageDeflateFactory(**offer)
    async with connect(URL, compression=None, extensions=[factory], max_size=None) as ws:
        answer = ws.response.headers.get("Sec-WebSocket-Extensions")
        assert answer is not None, f"{offer} was declined"
        await exchange(ws)
    return answer


async def main():
    flags = (False, True)
    server_bits = (None, 9, 15)
    client_bits = (None, True, 9, 15)
    for server_no, client_no, server, client in itertools.product(flags, flags, server_bits, client_bits):
        offer = {
            "server_no_context_takeover": server_no,
            "client_no_context_takeover": client_no,
            "server_max_window_bits": server,
            "client_max_window_bits": client,
        }
        answer = await asyncio.wait_for(check(offer), DEADLINE_S)
        print(f"ok {server_no} {client_no} {server} {client} -> {answer}", flush=True)


asyncio.run(main())
