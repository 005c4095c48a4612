// Test support: loaded into the sidecar's process, it collects garbage on SIGUSR2 and says on stdout what is left.
let measurement = 0;
process.on('SIGUSR2', () => {
  // Twice: what finalizers of the first collection let go of is gone after the second.
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, rss } = process.memoryUsage();
  process.stdout.write(`${JSON.stringify({ measurement: ++measurement, heapUsed, rss })}\n`);
});
