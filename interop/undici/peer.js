// undici's WebSocket, which is the one of Node.js and of the browsers' API, as a peer: ../README.md says
// what a peer does. It is a client only, and sends a message in one frame, however long.

'use strict';

const diagnostics = require('node:diagnostics_channel');
const fs = require('node:fs');
const readline = require('node:readline');
const { parseArgs } = require('node:util');
const { Agent, WebSocket, ping } = require('undici');

const text = { type: 'string' };
const { positionals, values: options } = parseArgs({
  allowPositionals: true,
  options: { beat: text, timeout: text, fragment: text, cert: text, key: text, ca: text },
});
const [, url] = positionals;

function say(what, value) {
  process.stdout.write(`${JSON.stringify({ [what]: value })}\n`);
}

function dial() {
  const given = ['cert', 'key', 'ca'].filter((name) => options[name]);
  const connect = Object.fromEntries(given.map((name) => [name, fs.readFileSync(options[name])]));
  const socket = new WebSocket(url, { dispatcher: new Agent({ connect }) });
  socket.binaryType = 'arraybuffer';
  let connected = false;
  socket.addEventListener('open', () => {
    connected = true;
    say('connected', true);
    // It has a Ping and no heartbeat: the application's own, then.
    if (options.beat) setInterval(() => ping(socket), Number(options.beat));
  });
  socket.addEventListener('message', ({ data }) => {
    say('message', typeof data === 'string' ? { text: data } : { binary: Buffer.from(data).toString('hex') });
  });
  socket.addEventListener('close', ({ code, reason }) => {
    // As in a browser, why there is no connection is not told.
    if (connected) say('closed', { code, reason });
    else say('failed', `closed ${code}`);
  });
  return socket;
}

// Control frames are shown to whoever diagnoses, not to the socket's owner.
for (const frame of ['ping', 'pong']) {
  diagnostics.subscribe(`undici:websocket:${frame}`, ({ payload }) => {
    say(frame, Buffer.from(payload ?? []).toString('hex'));
  });
}

function obey(socket, line) {
  const [[command, value]] = Object.entries(JSON.parse(line));
  if (command === 'send') {
    socket.send(value.text ?? Buffer.from(value.binary, 'hex'));
  } else if (command === 'ping') {
    ping(socket, Buffer.from(value, 'hex'));
  } else if (command === 'close') {
    socket.close(value.code, value.reason);
  }
}

// A Ctrl-C is for whoever started us: then our stdin ends, and so do we.
process.on('SIGINT', () => {});
const socket = dial();
const connected = new Promise((resolve) => socket.addEventListener('open', resolve));
readline
  .createInterface({ input: process.stdin })
  .on('line', (line) => connected.then(() => obey(socket, line)))
  .on('close', () => process.exit());
