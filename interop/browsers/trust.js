// A certificate that browsers trust, in the database that both have, and one that they have themselves.

'use strict';

const fs = require('node:fs');
const { execFileSync } = require('node:child_process');

exports.trust = (folder, ca) => {
  fs.mkdirSync(folder, { recursive: true });
  const database = ['-d', `sql:${folder}`];
  execFileSync('certutil', [...database, '-N', '--empty-password']);
  execFileSync('certutil', [...database, '-A', '-t', 'C,,', '-n', 'everbeat', '-i', ca]);
};

// The database takes a certificate with its key only from a file that has a password.
exports.own = (folder, cert, key) => {
  const [both, password] = [`${folder}/own.p12`, 'everbeat'];
  const made = ['-name', 'own', '-out', both, '-passout', `pass:${password}`];
  execFileSync('openssl', ['pkcs12', '-export', '-in', cert, '-inkey', key, ...made]);
  execFileSync('pk12util', ['-d', `sql:${folder}`, '-K', '', '-i', both, '-W', password]);
};
