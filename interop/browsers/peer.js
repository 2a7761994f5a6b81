// A page in a browser as a peer: ../README.md says what a peer does, and what a browser does besides.

'use strict';

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const readline = require('node:readline');
const { parseArgs } = require('node:util');

const text = { type: 'string' };
const { positionals, values: options } = parseArgs({
  allowPositionals: true,
  options: { beat: text, timeout: text, fragment: text, cert: text, key: text, ca: text },
});
const [name, role, url] = positionals;
const { launch, states } = require(`./${name}`);
if (role !== 'client') throw new Error('a page is a client');

const HERE = '127.0.0.1';
const SECOND = 1000;

// All that the browser writes; gone with us, or with the next of us if we are killed.
const profiles = path.join(__dirname, 'profiles');
const profile = path.join(profiles, String(process.pid));
let browser;

process.on('exit', () => {
  browser?.process()?.kill('SIGKILL');
  remove(profile);
});

function remove(folder) {
  try {
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3, retryDelay: 100 });
  } catch {
    // Something of the browser's was still writing: the next of us removes it.
  }
}

function say(what, value) {
  process.stdout.write(`${JSON.stringify({ [what]: value })}\n`);
}

// Pages are served from where they dial, and a browser keeps its own names for this machine apart.
function serve() {
  const page = fs.readFileSync(path.join(__dirname, 'page.html'));
  const answer = (request, response) =>
    response.writeHead(request.url === '/' ? 200 : 404, { 'content-type': 'text/html' }).end(page);
  return new Promise((resolve) => {
    const server = http.createServer(answer).listen(0, HERE, () => resolve(server.address().port));
  });
}

function sweep() {
  fs.mkdirSync(profiles, { recursive: true });
  const dead = fs.readdirSync(profiles).filter((id) => !fs.existsSync(`/proc/${id}`));
  dead.forEach((id) => remove(path.join(profiles, id)));
  fs.mkdirSync(profile);
}

async function open() {
  sweep();
  const place = `http://${HERE}:${await serve()}/`;
  browser = await launch({ profile, ...options });
  const [page] = await browser.pages();
  page.on('console', (message) => {
    const said = message.text();
    if (said.startsWith('everbeat ')) process.stdout.write(`${said.slice('everbeat '.length)}\n`);
  });
  await page.goto(place);
  await page.evaluate((url) => dial(url), url);
  return page;
}

const facts = (page) => page.evaluate(() => facts());

// How many of its timer's ticks of 100 ms there are in two seconds.
async function ticks(page) {
  const before = await facts(page);
  await new Promise((resolve) => setTimeout(resolve, 2 * SECOND));
  const after = await facts(page);
  return { ...after, ticks: after.ticks - before.ticks };
}

async function obey(page, line) {
  const [[command, value]] = Object.entries(JSON.parse(line));
  if (command === 'send') {
    await page.evaluate((message) => send(message), value);
  } else if (command === 'close') {
    await page.evaluate(({ code, reason }) => socket.close(code, reason), value);
  } else if (command === 'page') {
    if (value === 'look') return say('page', await ticks(page));
    if (states[value] === undefined) throw new Error(`it cannot ${value}`);
    await states[value](page, browser);
    say('page', { done: value });
  }
}

async function main() {
  const lines = readline.createInterface({ input: process.stdin });
  lines.on('close', () => process.exit());
  // A Ctrl-C is for whoever started us: then our stdin ends, and so do we.
  process.on('SIGINT', () => {});
  const waiting = [];
  let page;
  const begin = (line) => obey(page, line).catch((error) => say('failed', String(error)));
  lines.on('line', (line) => (page === undefined ? waiting.push(line) : begin(line)));
  page = await open();
  waiting.forEach(begin);
}

main().catch((error) => {
  say('failed', String(error));
  process.exit(1);
});
