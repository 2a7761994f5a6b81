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
  leave: (page) => page.goto('about:blank'),
  back: (page) => page.goBack(),
  shut: async (page, browser) => {
    // A browser lives as long as it has a tab.
    await browser.newPage();
    await page.close();
  },
};
