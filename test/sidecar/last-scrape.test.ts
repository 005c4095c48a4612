// When a stop expects the last scrape, and of whom: with a clock that the test moves.
import { describe, expect, it } from 'vitest';
import { createScrapes } from '../../src/sidecar/last-scrape.ts';

function start() {
  let time = 1000;
  const scrapes = createScrapes(() => time);
  return {
    scrapes,
    at(ms: number) {
      time = ms;
    },
    scrape(ms: number, from = 'prometheus') {
      time = ms;
      return scrapes.asked(from);
    },
  };
}

describe('the last scrape', () => {
  it('is the last turn of a regular scraper before the end', () => {
    const { scrapes, scrape, at } = start();
    scrape(1000);
    scrape(6000);
    at(8000);
    expect(scrapes.last(16_500)?.due).toBe(16_000);
    expect(scrapes.last(11_000)?.due).toBe(11_000);
    expect(scrapes.last(10_999)).toBeUndefined();
  });

  it('is not expected of one who came once, comes too fast or too rarely to be waited for, or has gone', () => {
    const { scrapes, scrape, at } = start();
    scrape(1000, 'once');
    for (const ms of [2000, 2100, 2200]) scrape(ms, 'a test that polls');
    scrape(3000, 'slow');
    scrape(203_000, 'slow');
    expect(scrapes.last(1_000_000)).toBeUndefined();
    scrape(204_000);
    scrape(209_000);
    at(221_501);
    expect(scrapes.last(230_000)).toBeUndefined();
  });

  it('is seen when every scraper has been answered a question that it asked afterwards', () => {
    const { scrapes, scrape, at } = start();
    for (const ms of [1000, 6000]) scrape(ms, 'a')();
    for (const ms of [3000, 8000]) scrape(ms, 'b')();
    at(9000);
    const last = scrapes.last(14_000)!;
    expect(last.due).toBe(11_000);
    expect(last.seen(9500)).toBe(false);
    const early = scrape(9400, 'a');
    early();
    const [a, b] = [scrape(11_000, 'a'), scrape(13_000, 'b')];
    a();
    expect(last.seen(9500)).toBe(false);
    b();
    expect(last.seen(9500)).toBe(true);
    expect(last.seen(12_000)).toBe(false);
  });

  it('remembers sixteen scrapers, and forgets the one that was away longest', () => {
    const { scrapes, scrape } = start();
    scrape(1000);
    for (let n = 0; n < 16; n++) scrape(1001 + n, `other ${n}`);
    scrape(6000);
    expect(scrapes.last(11_000)).toBeUndefined();
  });
});
