// The processes of a browser, by what they do. Linux only.

'use strict';

const fs = require('node:fs');

const read = (id, file) => {
  try {
    return fs.readFileSync(`/proc/${id}/${file}`, 'utf8');
  } catch {
    return '';
  }
};

// Its second word is a name, which may be of any words.
const parent = (id) => Number(read(id, 'stat').split(') ').pop().split(' ')[1]);

function family(first) {
  const all = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
  const members = [first];
  for (const member of members) members.push(...all.filter((id) => parent(id) === member));
  return members;
}

const kinds = {
  // Runs the page's script.
  renderer: (line) => line.includes('--type=renderer') || /-contentproc.* tab$/.test(line),
  // Where it is a process of its own.
  network: (line) => line.includes('network.mojom.NetworkService'),
};

exports.of = (first, kind) => {
  if (kind === 'browser') return [first];
  const line = (id) => read(id, 'cmdline').replaceAll('\0', ' ').trim();
  return family(first).filter((id) => kind === 'all' || kinds[kind](line(id)));
};
