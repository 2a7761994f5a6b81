// The states that either browser can bring a page into.

'use strict';

exports.states = {
  // Another tab is in front.
  hide: async (page, browser) => {
    page.other = await browser.newPage();
    await page.other.bringToFront();
  },
  show: (page) => page.bringToFront(),
  offline: (page) => page.setOfflineMode(true),
  online: (page) => page.setOfflineMode(false),
  hang: (page) => void page.evaluate(() => hang(8000)).catch(() => {}),
  leave: async (page) => {
    await page.goto('about:blank');
    const place = await page.evaluate(() => location.href);
    if (place !== 'about:blank') throw new Error(`it is at ${place}`);
  },
  back: (page) => page.goBack(),
  shut: async (page, browser) => {
    // A browser lives as long as it has a tab.
    await browser.newPage();
    await page.close();
    if ((await browser.pages()).includes(page)) throw new Error('its tab is still there');
  },
};
