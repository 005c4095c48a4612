// How long a scrape of /metrics holds the event loop: the exposition of some 500 series, built as the sidecar builds it.
const SCRAPES = 100;
const TYPES = 3;
const BUDGET_MS = 10;

async function main() {
  const { createDeliveryMetrics } = await import('../dist/telemetry/metrics/metrics.js');
  const { createMetricProducer } = await import('../dist/telemetry/metrics/producer.js');
  const { ScrapeExporter } = await import('../dist/telemetry/scrape/exporter.js');
  const { Delivery } = await import('../dist/delivery/record.js');
  const { Owner, Session } = await import('../dist/delivery/session.js');
  const { emptyResource } = await import('@opentelemetry/resources');
  const now = () => performance.timeOrigin + performance.now();
  const metrics = createDeliveryMetrics();
  const session = new Session('s', new Owner(undefined));
  for (let index = 1; index <= TYPES; index++) {
    const name = `event_type_${index}`;
    const policy = { priority: 'normal', confirm: 'auto', timeoutMs: 30_000, attemptsMs: [] };
    const facts = { type: { name, label: name, index, policy }, id: undefined, run: undefined, user: undefined };
    const rest = { tool: undefined, toolCall: undefined, traceparent: undefined, bytes: 100 };
    const delivery = new Delivery(index, session, index, { ...facts, ...rest }, 'received', now());
    metrics.tracked(delivery);
    metrics.received(delivery, now());
    Object.assign(delivery, { status: 'confirmed', level: 'received', settledAt: now() });
    metrics.settled(delivery);
  }
  const producer = createMetricProducer({ sources: [metrics.source], version: '0', startedAt: now(), now });
  const exporter = new ScrapeExporter([producer]);
  exporter.standAlone(emptyResource());
  const { body } = await exporter.scrape('');
  const series = body.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
  const blocks = [];
  for (let i = 0; i < SCRAPES; i++) blocks.push(await longestBlock(() => exporter.scrape('')));
  blocks.sort((a, b) => a - b);
  const [min, median, max] = [blocks[0], blocks[SCRAPES / 2], blocks[SCRAPES - 1]];
  const ms = (value) => `${value.toFixed(2)} ms`;
  console.log(
    `${series} series, ${SCRAPES} scrapes: the event loop was held for ${ms(median)} (${ms(min)}–${ms(max)})`,
  );
  console.log(`budget ${BUDGET_MS} ms: ${median < BUDGET_MS ? 'met' : 'missed'}`);
}

/** The longest time, ms, in which a timer of the event loop could not have run while `work` was under way. */
async function longestBlock(work) {
  let done = false;
  let longest = 0;
  let last = performance.now();
  const turn = () => {
    const at = performance.now();
    longest = Math.max(longest, at - last);
    last = at;
    if (!done) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  done = true;
  turn();
  return longest;
}

await main();
