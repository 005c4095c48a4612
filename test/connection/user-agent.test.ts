// The family of a User-Agent: what a person would call the client, without its version.
import { expect, it } from 'vitest';
import { agentFamily } from '../../src/connection/user-agent.ts';

const MOZILLA = 'Mozilla/5.0 (X11; Linux x86_64)';
const CHROME = `${MOZILLA} AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36`;

it.each([
  [CHROME, 'Chrome'],
  [`${CHROME} Edg/140.0.0.0`, 'Edge'],
  [`${CHROME} OPR/125.0.0.0`, 'Opera'],
  [CHROME.replace('Chrome', 'HeadlessChrome'), 'HeadlessChrome'],
  [`${MOZILLA} Gecko/20100101 Firefox/142.0`, 'Firefox'],
  ['Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15', 'Safari'],
  ['Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1', 'Chrome'],
  ['python-websockets/15.0.1 (Python/3.13)', 'python-websockets'],
  ['Go-http-client/1.1', 'Go-http-client'],
  ['node', 'node'],
  [`${'x'.repeat(41)}/1`, 'other'],
  ['<script>', 'other'],
  ['', undefined],
  [undefined, undefined],
])('%s is %s', (text, family) => {
  expect(agentFamily(text)).toBe(family);
});
