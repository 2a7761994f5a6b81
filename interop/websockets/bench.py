"""A server of `websockets` for `cargo xtask bench --peers`: says messages back, and pings by itself.

Says where it listens; ends with its stdin.
"""

import argparse
import asyncio
import resource
import sys

from websockets.asyncio.server import serve


async def echo(connection):
    async for message in connection:
        await connection.send(message)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--beat", type=int, help="Ping every so many milliseconds")
    parser.add_argument("--connections", type=int)
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    beat = options.beat and options.beat / 1000
    # Its default timeout of 20 s stays: a shorter one closes on whoever waits behind a burst.
    settings = {"ping_interval": beat}
    # Without an extension, as everybody else here is.
    settings |= {"max_size": None, "compression": None, "backlog": 4096}
    async with serve(echo, "127.0.0.1", 0, **settings) as server:
        host, port = server.sockets[0].getsockname()[:2]
        print(f"listening {host}:{port}", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
