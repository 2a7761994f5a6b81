"""The Python package `websockets` as a peer: ../README.md says what a peer does."""

import argparse
import asyncio
import json
import signal
import ssl
import sys
from collections import deque

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.frames import DATA_OPCODES, Frame, Opcode

# More than any message of the scenarios, as a line of JSON with two digits a byte.
LONGEST_LINE = 16 << 20


def say(what, value):
    print(json.dumps({what: value}), flush=True)


def payload(value):
    """What is to be sent; of some messages only the length counts."""
    if "text" in value:
        return value["text"]
    return bytes.fromhex(value["binary"]) if "binary" in value else bytes(value["bytes"])


class Watched:
    """A connection that tells of each Ping and Pong that comes in, and counts a message's frames."""

    def __init__(self, *args, **settings):
        super().__init__(*args, **settings)
        # Of the messages that nobody has read yet, and of the one that comes in.
        self.frames, self.begun = deque(), 0

    def process_event(self, event):
        if isinstance(event, Frame):
            if event.opcode in (Opcode.PING, Opcode.PONG):
                say("ping" if event.opcode is Opcode.PING else "pong", bytes(event.data).hex())
            elif event.opcode in DATA_OPCODES:
                self.begun += 1
                if event.fin:
                    self.frames.append(self.begun)
                    self.begun = 0
        super().process_event(event)


class WatchedClient(Watched, ClientConnection):
    pass


class WatchedServer(Watched, ServerConnection):
    pass


class MuteServer(WatchedServer):
    """Broken on purpose: it hears Pings and never answers."""

    def __init__(self, *args, **settings):
        super().__init__(*args, **settings)
        hear = self.protocol.recv_frame
        self.protocol.recv_frame = lambda frame: frame.opcode is Opcode.PING or hear(frame)


def ended(connection):
    """How it ended; dead, if it was our keepalive that gave it up."""
    code, reason = connection.close_code, connection.close_reason
    end = {"code": code, "reason": reason or ""}
    said = connection.protocol.close_sent
    if connection.protocol.close_rcvd is None and said and said.reason == "keepalive ping timeout":
        end |= {"how": "dead", "verdict": "silent"}
    elif connection.protocol.close_rcvd:
        end |= {"how": "closed"}
    return end


def door(connection, request):
    """Lets in, but for a path that asks for a refusal: `/refused/429/1`, and when to come again."""
    match request.path.split("/"):
        case ["", "refused", status, *seconds]:
            refusal = connection.respond(int(status), "as you wished")
            if seconds:
                refusal.headers["Retry-After"] = seconds[0]
            if status.startswith("3"):
                refusal.headers["Location"] = "/elsewhere"
            return refusal
    return None


class Peer:
    def __init__(self, options):
        self.options = options
        # Commands are for the newest connection.
        self.connection = None

    def settings(self):
        beat, timeout = self.options.beat, self.options.timeout
        return {
            "ping_interval": beat and beat / 1000,
            "ping_timeout": timeout and timeout / 1000,
            "max_size": None,
            "close_timeout": self.options.close_timeout / 1000,
        }

    async def converse(self, connection, echo):
        self.connection = connection
        say("connected", True)
        try:
            async for message in connection:
                payload = {"text": message} if isinstance(message, str) else {"binary": message.hex()}
                say("message", payload | {"frames": connection.frames.popleft()})
                if echo:
                    await self.send(message)
        except ConnectionClosed:
            pass
        say("closed", ended(connection))

    async def send(self, message):
        text, step = isinstance(message, str), self.options.fragment
        payload = message.encode() if text else message
        if step and len(payload) > step:
            # Cut anywhere, in the middle of a character too: RFC 6455, section 5.6, allows it.
            parts = (payload[at : at + step] for at in range(0, len(payload), step))
            await self.connection.send(parts, text=text)
        else:
            await self.connection.send(message)

    async def obey(self):
        """Obeys the lines of stdin, and returns when it ends."""
        lines = asyncio.StreamReader(limit=LONGEST_LINE)
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while line := await lines.readline():
            [(command, value)] = json.loads(line).items()
            if command == "send":
                await self.send(payload(value))
            elif command == "ping":
                await self.connection.ping(bytes.fromhex(value))
            elif command == "close":
                await self.connection.close(value["code"], value["reason"])

    async def server(self, address):
        host, _, port = address.rpartition(":")
        tls = None
        if self.options.cert:
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.load_cert_chain(self.options.cert, self.options.key)
            if self.options.ca:
                tls.load_verify_locations(self.options.ca)
                tls.verify_mode = ssl.CERT_REQUIRED
        listening = serve(
            lambda connection: self.converse(connection, echo=True),
            host,
            int(port),
            ssl=tls,
            process_request=door,
            create_connection=MuteServer if self.options.mute else WatchedServer,
            **self.settings(),
        )
        async with listening as server:
            host, port = server.sockets[0].getsockname()[:2]
            say("listening", f"{host}:{port}")
            await self.obey()

    async def client(self, url):
        tls = None
        if url.startswith("wss:"):
            tls = ssl.create_default_context(cafile=self.options.ca)
            if self.options.cert:
                tls.load_cert_chain(self.options.cert, self.options.key)
        settings = self.settings()
        connecting = connect(
            url, ssl=tls, proxy=None, create_connection=WatchedClient, **settings
        )
        try:
            connection = await connecting
        except (InvalidHandshake, OSError, TimeoutError) as error:
            say("failed", f"{type(error).__name__}: {error}")
            return
        async with connection:
            talking = asyncio.create_task(self.converse(connection, echo=False))
            await self.obey()
            talking.cancel()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["server", "client"])
    parser.add_argument("address", help="HOST:PORT of a server, the URL of a client")
    parser.add_argument("--beat", type=int, help="Ping every so many milliseconds")
    parser.add_argument("--timeout", type=int, help="and close if no Pong comes within so many")
    parser.add_argument(
        "--close-timeout",
        type=int,
        default=10_000,
        help="how long a Close of ours waits for its answer before the program is told, in"
        " milliseconds; of this peer alone",
    )
    parser.add_argument(
        "--mute", action="store_true", help="a server that answers no Ping; of this peer alone"
    )
    parser.add_argument("--fragment", type=int, help="the longest frame sent, in bytes")
    parser.add_argument("--cert", help="what it shows, PEM: a server always, a client if asked")
    parser.add_argument("--key", help="and its key")
    parser.add_argument("--ca", help="the only root that it trusts, PEM; a server asks its clients")
    options = parser.parse_args()
    # A Ctrl-C is for whoever started us: then our stdin ends, and so do we.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    peer = Peer(options)
    asyncio.run(getattr(peer, options.role)(options.address))


main()
