// Firefox, as it is started.

'use strict';

const fs = require('node:fs');
const puppeteer = require('puppeteer-core');
const { states } = require('./states');
const { own, trust } = require('./trust');

const seconds = (millis) => Math.ceil(Number(millis) / 1000);

exports.launch = ({ profile, ca, cert, key, beat, timeout }) => {
  const data = `${profile}/data`;
  fs.mkdirSync(data);
  if (ca !== undefined) trust(data, ca);
  if (cert !== undefined) own(data, cert, key);
  const prefs = {
    // Whoever drives a browser has it take no notice of the network.
    'network.manage-offline-status': true,
    'remote.prefs.recommended': false,
    // Nobody is there to be asked which certificate a server is to see.
    'security.default_personal_cert': 'Select Automatically',
  };
  // It counts in whole seconds, and by default not at all.
  if (beat !== undefined) prefs['network.websocket.timeout.ping.request'] = seconds(beat);
  if (timeout !== undefined) prefs['network.websocket.timeout.ping.response'] = seconds(timeout);
  return puppeteer.launch({
    browser: 'firefox',
    executablePath: `${__dirname}/browser.sh`,
    env: { ...process.env, HOME: profile, BROWSER: 'firefox-esr', MOZ_CRASHREPORTER_DISABLE: '1' },
    userDataDir: data,
    handleSIGINT: false,
    defaultViewport: null,
    extraPrefsFirefox: prefs,
  });
};

exports.states = states;
