// A certificate that browsers trust, in the database that both have.

'use strict';

const fs = require('node:fs');
const { execFileSync } = require('node:child_process');

exports.trust = (folder, ca) => {
  fs.mkdirSync(folder, { recursive: true });
  const database = ['-d', `sql:${folder}`];
  execFileSync('certutil', [...database, '-N', '--empty-password']);
  execFileSync('certutil', [...database, '-A', '-t', 'C,,', '-n', 'everbeat', '-i', ca]);
};
