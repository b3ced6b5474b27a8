"""What nats-py must be able to do: `python checks.py <url>`, over TCP (nats://) or WebSocket (ws://).

Prints `ok <name>` for each check that has passed, and `do restart` to have the server restarted.
"""

import asyncio
import sys

import nats
from nats.errors import NoRespondersError

URL = sys.argv[1]
DEADLINE_S = 15


async def connect(**options):
    return await nats.connect(URL, **options)


async def settle(nc):
    """Waits until the server has seen all that the client has sent. `flush` does not: its PING overtakes the rest."""
    sub = await nc.subscribe(nc.new_inbox())
    await nc.publish(sub.subject)
    await take(sub, 1)
    await sub.unsubscribe()


async def check_connect():
    nc = await connect(name="checks")
    assert nc.max_payload == 1048576, nc.max_payload
    assert nc.client_id > 0
    await nc.flush()
    await nc.close()


async def check_subscribe_and_publish():
    nc = await connect()
    sub = await nc.subscribe("checks.plain")
    await nc.publish("checks.plain", b"one")
    await nc.publish("checks.plain", b"two", reply="checks.reply")
    one, two = await take(sub, 2)
    assert (one.data, one.subject, one.reply) == (b"one", "checks.plain", ""), one
    assert (two.data, two.reply) == (b"two", "checks.reply"), two
    await nc.close()


async def check_between_connections():
    source, target = await connect(), await connect()
    sub = await target.subscribe("checks.between")
    await settle(target)
    for number in range(1000):
        await source.publish("checks.between", str(number).encode())
    await settle(source)
    got = [int(msg.data) for msg in await take(sub, 1000)]
    assert got == list(range(1000)), got
    await source.close()
    await target.close()


async def check_wildcard():
    nc = await connect()
    star = await nc.subscribe("checks.wild.*.end")
    rest = await nc.subscribe("checks.wild.>")
    for subject in ["checks.wild.a.end", "checks.wild.a.b.end", "checks.wild", "checks.wild.b.end"]:
        await nc.publish(subject)
    await settle(nc)
    assert [msg.subject for msg in await take(star, 2)] == ["checks.wild.a.end", "checks.wild.b.end"]
    assert [msg.subject for msg in await take(rest, 3)] == [
        "checks.wild.a.end",
        "checks.wild.a.b.end",
        "checks.wild.b.end",
    ]
    assert star.pending_msgs == rest.pending_msgs == 0
    await nc.close()


async def check_queue_group():
    members, counts = [await connect() for _ in range(3)], [0, 0, 0]
    everything = asyncio.Event()

    def handler(number):
        async def count(_):
            counts[number] += 1
            if sum(counts) >= 300:
                everything.set()

        return count

    for number, member in enumerate(members):
        await member.subscribe("checks.queue", queue="workers", cb=handler(number))
        await settle(member)
    source = await connect()
    for _ in range(300):
        await source.publish("checks.queue", b"x")
    await settle(source)
    await asyncio.wait_for(everything.wait(), DEADLINE_S)
    for member in members:
        await settle(member)
    assert sum(counts) == 300 and all(counts), counts
    for client in [source, *members]:
        await client.close()


async def check_request_and_reply():
    service, client = await connect(), await connect()

    async def answer(msg):
        await msg.respond(b"answer to " + msg.data)

    await service.subscribe("checks.service", cb=answer)
    await settle(service)
    requests = [client.request("checks.service", str(i).encode(), timeout=DEADLINE_S) for i in range(3)]
    answers = [msg.data for msg in await asyncio.gather(*requests)]
    assert answers == [b"answer to 0", b"answer to 1", b"answer to 2"], answers
    await service.close()
    await client.close()


async def check_request_to_nobody():
    nc = await connect()
    try:
        await nc.request("checks.nobody", b"", timeout=DEADLINE_S)
    except NoRespondersError:
        return await nc.close()
    raise AssertionError("the request was answered")


async def check_headers():
    nc = await connect()
    sub = await nc.subscribe("checks.headers")
    await nc.publish("checks.headers", b"body", headers={"Color": "red", "Size": "large"})
    (msg,) = await take(sub, 1)
    assert (msg.data, msg.headers) == (b"body", {"Color": "red", "Size": "large"}), msg
    await nc.close()


async def check_payload_of_1_mb():
    source, target = await connect(), await connect()
    sub = await target.subscribe("checks.large")
    await settle(target)
    payload = bytes((i * 31 + (i >> 8)) & 0xFF for i in range(1048576))
    await source.publish("checks.large", payload)
    (msg,) = await take(sub, 1)
    assert msg.data == payload
    await source.close()
    await target.close()


async def check_unsubscribe_after_two():
    nc = await connect()
    sub = await nc.subscribe("checks.max")
    await sub.unsubscribe(limit=2)
    for number in range(5):
        await nc.publish("checks.max", str(number).encode())
    await settle(nc)
    assert [msg.data for msg in await take(sub, 2)] == [b"0", b"1"]
    assert sub.pending_msgs == 0
    await nc.close()


async def check_drain():
    source, target = await connect(), await connect()
    seen = []

    async def see(msg):
        seen.append(msg.data)

    await target.subscribe("checks.drain", cb=see)
    await settle(target)
    for _ in range(100):
        await source.publish("checks.drain", b"x")
    await settle(source)
    # nats-py unsubscribes without waiting for what is under way.
    await settle(target)
    await target.drain()
    assert len(seen) == 100 and target.is_closed, len(seen)
    await source.close()


async def check_reconnect_after_a_restart():
    again = asyncio.Event()

    async def reconnected():
        again.set()

    nc = await connect(reconnect_time_wait=0.05, max_reconnect_attempts=-1, reconnected_cb=reconnected)
    sub = await nc.subscribe("checks.again.*", queue="again")
    await settle(nc)
    print("do restart", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await asyncio.wait_for(again.wait(), DEADLINE_S)
    await nc.publish("checks.again.a", b"still here")
    (msg,) = await take(sub, 1)
    assert msg.data == b"still here"
    await nc.close()


async def take(sub, count):
    return [await sub.next_msg(timeout=DEADLINE_S) for _ in range(count)]


async def main():
    for name, check in list(globals().items()):
        if name.startswith("check_"):
            await check()
            print("ok", name.removeprefix("check_").replace("_", " "), flush=True)


asyncio.run(main())
