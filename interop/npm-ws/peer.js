// The npm package `ws` as a peer: ../README.md says what a peer does.

'use strict';

const fs = require('node:fs');
const https = require('node:https');
const readline = require('node:readline');
const { parseArgs } = require('node:util');
const { WebSocket, WebSocketServer } = require('ws');

const text = { type: 'string' };
const { positionals, values: options } = parseArgs({
  allowPositionals: true,
  options: { beat: text, timeout: text, fragment: text, cert: text, key: text, ca: text },
});
const [role, address] = positionals;
const fragment = Number(options.fragment ?? Infinity);

// Commands are for the newest connection.
let connection;

function say(what, value) {
  process.stdout.write(`${JSON.stringify({ [what]: value })}\n`);
}

function send(data, binary) {
  if (data.length <= fragment) return connection.send(data, { binary });
  // Cut anywhere, in the middle of a character too: RFC 6455, section 5.6, allows it.
  for (let at = 0; at < data.length; at += fragment) {
    const end = at + fragment;
    connection.send(data.subarray(at, end), { binary, fin: end >= data.length });
  }
}

function converse(socket, echo) {
  connection = socket;
  socket.isAlive = true;
  say('connected', true);
  socket.on('message', (data, binary) => {
    say('message', binary ? { binary: data.toString('hex') } : { text: data.toString() });
    if (echo) send(data, binary);
  });
  socket.on('ping', (payload) => say('ping', payload.toString('hex')));
  socket.on('pong', (payload) => {
    socket.isAlive = true;
    say('pong', payload.toString('hex'));
  });
  socket.on('close', (code, reason) => say('closed', { code, reason: reason.toString() }));
  // What went wrong is told by the close behind it.
  socket.on('error', () => {});
}

// The heartbeat of the package's README, which knows one duration: who has not answered the last
// Ping when the next is due is terminated. A longer timeout is several of them.
function beat(sockets) {
  if (options.beat === undefined) return;
  const patience = Math.ceil(Number(options.timeout ?? Infinity) / Number(options.beat));
  setInterval(() => {
    for (const socket of sockets()) {
      socket.unanswered = socket.isAlive ? 0 : (socket.unanswered ?? 0) + 1;
      if (socket.unanswered >= patience) {
        socket.terminate();
        continue;
      }
      socket.isAlive = false;
      socket.ping();
    }
  }, Number(options.beat));
}

// What is shown and whom is trusted.
function files() {
  const given = ['cert', 'key', 'ca'].filter((name) => options[name]);
  return Object.fromEntries(given.map((name) => [name, fs.readFileSync(options[name])]));
}

function server() {
  const [host, port] = address.split(':');
  const tls = options.cert && https.createServer({ ...files(), requestCert: options.ca !== undefined });
  const listening = tls ? { server: tls } : { host, port: Number(port) };
  const wss = new WebSocketServer(listening);
  tls?.listen(Number(port), host);
  wss.on('listening', () => say('listening', `${host}:${wss.address().port}`));
  wss.on('connection', (socket) => converse(socket, true));
  beat(() => wss.clients);
}

function client() {
  const socket = new WebSocket(address, files());
  socket.on('open', () => converse(socket, false));
  socket.on('error', (error) => {
    if (connection === undefined) say('failed', error.message);
  });
  beat(() => [socket].filter((socket) => socket.readyState === WebSocket.OPEN));
}

function obey(line) {
  const [[command, value]] = Object.entries(JSON.parse(line));
  if (command === 'send') {
    const binary = value.text === undefined;
    send(binary ? Buffer.from(value.binary, 'hex') : Buffer.from(value.text), binary);
  } else if (command === 'ping') {
    connection.ping(Buffer.from(value, 'hex'));
  } else if (command === 'close') {
    connection.close(value.code, value.reason);
  }
}

// A Ctrl-C is for whoever started us: then our stdin ends, and so do we.
process.on('SIGINT', () => {});
(role === 'server' ? server : client)();
readline.createInterface({ input: process.stdin }).on('line', obey).on('close', () => process.exit());
