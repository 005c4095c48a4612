// Prints `N passed, N failed, N skipped` from vitest's JSON report: the closing line that CI reads.
import { readFileSync } from 'node:fs';

const report = JSON.parse(readFileSync(new URL('../../.cache/vitest.json', import.meta.url), 'utf8'));
console.log(`${report.numPassedTests} passed, ${report.numFailedTests} failed, ${report.numPendingTests} skipped`);
if (report.numPassedTests === 0 || report.numFailedTests > 0 || !report.success) process.exitCode = 1;
