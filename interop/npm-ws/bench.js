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
  socket.isAlive = true;
  socket.on('message', (data, binary) => socket.send(data, { binary }));
  socket.on('pong', () => {
    socket.isAlive = true;
  });
  // What went wrong is told by the close behind it.
  socket.on('error', () => {});
});

if (options.beat !== undefined) {
  setInterval(() => {
    for (const socket of server.clients) {
      if (!socket.isAlive) {
        socket.terminate();
        continue;
      }
      socket.isAlive = false;
      socket.ping();
    }
  }, Number(options.beat));
}

process.stdin.on('end', () => process.exit()).resume();
