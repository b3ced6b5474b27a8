"""Who may connect: `python auth.py <url> <url>`, over TCP (nats://) or WebSocket (ws://).

The first server has the users `a` (password `b`) and `h` (password `secret`, hashed), and takes both from the cookies `u` and `p`;
the second has the token `t`. Prints `ok <name>` for each check that has passed.
"""

import asyncio
import sys

import nats
from nats.errors import AuthorizationError, Error

USERS, TOKEN = sys.argv[1:3]


async def enters(url, **options):
    nc = await nats.connect(url, allow_reconnect=False, **options)
    await nc.flush()
    await nc.close()


async def is_refused(url, **options):
    try:
        await enters(url, **options)
    except AuthorizationError:
        return
    except Error as error:
        assert "authorization violation" in str(error).lower(), repr(error)
        return
    raise AssertionError(f"{options} was let in")


async def main():
    await enters(USERS, user="a", password="b")
    print("ok user and password", flush=True)
    await enters(USERS, user="h", password="secret")
    print("ok hashed password", flush=True)
    await is_refused(USERS, user="a", password="x")
    await is_refused(USERS, user="h", password="x")
    await is_refused(USERS, token="t")
    await is_refused(USERS)
    print("ok wrong credentials", flush=True)
    await enters(TOKEN, token="t")
    await is_refused(TOKEN, token="x")
    print("ok token", flush=True)
    if USERS.startswith("ws"):
        await enters(USERS, ws_connection_headers={"Cookie": ["u=a; p=b"]})
        await is_refused(USERS, ws_connection_headers={"Cookie": ["u=a; p=x"]})
        print("ok cookies", flush=True)


asyncio.run(main())
