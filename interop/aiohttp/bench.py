"""A server of `aiohttp` for `cargo xtask bench --peers`: says messages back, and pings by itself.

Says where it listens; ends with its stdin.
"""

import argparse
import asyncio
import resource
import sys

from aiohttp import WSMsgType, web

BEAT = web.AppKey("beat", float)


async def ping(socket, beat):
    # Its own `heartbeat` waits half of itself for a Pong, which is too short behind a burst.
    while True:
        await asyncio.sleep(beat)
        await socket.ping()


async def echo(request):
    socket = web.WebSocketResponse(compress=False, max_msg_size=0)
    await socket.prepare(request)
    beat = request.app.get(BEAT)
    pings = asyncio.create_task(ping(socket, beat)) if beat else None
    try:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await socket.send_bytes(message.data)
    finally:
        if pings:
            pings.cancel()
    return socket


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--beat", type=int, help="Ping every so many milliseconds")
    parser.add_argument("--connections", type=int)
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    app = web.Application()
    if options.beat:
        app[BEAT] = options.beat / 1000
    app.router.add_get("/{path:.*}", echo)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
    host, port = runner.addresses[0][:2]
    print(f"listening {host}:{port}", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


asyncio.run(main())
