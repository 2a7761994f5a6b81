// Chromium, and the states that it can bring a page into besides.

'use strict';

const { states } = require('./states');
const { trust } = require('./trust');
const puppeteer = require('puppeteer-core');

// With these, puppeteer has a page in the background run as if it were not.
const AWAKE = [
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
];

// After five minutes out of sight a page may set off timers once a minute only. For whoever tries that
// it is 20 s, which is longer than any other state lasts.
const SOONER = '--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/20';

exports.launch = ({ profile, ca }) => {
  if (ca !== undefined) trust(`${profile}/.pki/nssdb`, ca);
  return puppeteer.launch({
    executablePath: `${__dirname}/browser.sh`,
    env: { ...process.env, HOME: profile, BROWSER: 'chromium' },
    userDataDir: `${profile}/data`,
    pipe: true,
    handleSIGINT: false,
    defaultViewport: null,
    ignoreDefaultArgs: AWAKE,
    // Root has no sandbox.
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', SOONER],
  });
};

const session = (page) => (page.everbeat ??= page.createCDPSession());
const lifecycle = async (page, state) =>
  (await session(page)).send('Page.setWebLifecycleState', { state });

exports.states = {
  ...states,
  freeze: (page) => lifecycle(page, 'frozen'),
  thaw: (page) => lifecycle(page, 'active'),
};
