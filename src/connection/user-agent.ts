// connection: the family of a client's User-Agent: few values, no version, nothing that names a person.

/** The first that fits counts: browsers name each other, so the more special ones come first. */
const FAMILIES: readonly (readonly [RegExp, string])[] = [
  [/\bEdgA?\/|\bEdgiOS\//, 'Edge'],
  [/\bOPR\/|\bOpera\b/, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bFirefox\/|\bFxiOS\//, 'Firefox'],
  [/\bHeadlessChrome\//, 'HeadlessChrome'],
  [/\bElectron\//, 'Electron'],
  [/\bChrome\/|\bCriOS\/|\bChromium\//, 'Chrome'],
  [/\bVersion\/[\d.]+ .*\bSafari\//, 'Safari'],
];

/**
 * The product token of a program, such as `python-websockets` in `python-websockets/15.0` (RFC 9110
 * §10.1.5).
 */
const PRODUCT = /^([A-Za-z][A-Za-z0-9._-]{0,39})(?:[/ (]|$)/;

/** `Chrome`, `Safari`, `python-websockets` …; undefined = the client named none. */
export function agentFamily(userAgent: string | undefined): string | undefined {
  if (userAgent === undefined || userAgent === '') return undefined;
  const text = userAgent.slice(0, 512);
  const browser = FAMILIES.find(([pattern]) => pattern.test(text));
  if (browser !== undefined) return browser[1];
  return PRODUCT.exec(text)?.[1] ?? 'other';
}
