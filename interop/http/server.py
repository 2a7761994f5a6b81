"""Python's own http.server, which knows no WebSocket: answers an upgrade as its path asks for.

`/401`, or `/429/1` with a Retry-After of a second; `/101` is an upgrade with a wrong key. Says where it
listens, and ends with its stdin: ../README.md.
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Refusing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        status, _, after = self.path.strip("/").partition("/")
        self.send_response(int(status))
        if after:
            self.send_header("Retry-After", after)
        if status == "302":
            self.send_header("Location", "/elsewhere")
        if status == "101":
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.send_header("Sec-WebSocket-Accept", "c29tZWJvZHkgZWxzZSdzIGtleQ==")
        else:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(json.dumps({"listening": "%s:%d" % server.server_address}), flush=True)
sys.stdin.read()
