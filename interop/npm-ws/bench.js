// A server of `ws` for `cargo xtask bench --peers`: says messages back, and pings as the README of the
// package recommends. Says where it listens; ends with its stdin.

'use strict';

const { parseArgs } = require('node:util');
const { WebSocketServer } = require('ws');

const text = { type: 'string' };
const { values: options } = parseArgs({ options: { beat: text, connections: text } });

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, backlog: 4096 });
server.on('listening', () => console.log(`listening 127.0.0.1:${server.address().port}`));
server.on('connection', (socket) => {
  socket.heard = Date.now();
  socket.on('message', (data, binary) => socket.send(data, { binary }));
  socket.on('pong', () => {
    socket.heard = Date.now();
  });
  // What went wrong is told by the close behind it.
  socket.on('error', () => {});
});

if (options.beat !== undefined) {
  const beat = Number(options.beat);
  // The README pings every 30 s and ends who did not answer the last one. A benchmark's beat may be of
  // 1 s, which is shorter than a burst of messages takes: that would cut off who waits behind it and is
  // well.
  const patience = Math.max(3 * beat, 20_000);
  setInterval(() => {
    const now = Date.now();
    for (const socket of server.clients) {
      if (now - socket.heard > patience) {
        socket.terminate();
        continue;
      }
      socket.ping();
    }
  }, beat);
}

process.stdin.on('end', () => process.exit()).resume();
