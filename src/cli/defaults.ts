// cli: joins the decoder's defaults to the configuration, which may not import the decoder.
import type { Defaults } from '../config/values.ts';
import { DEFAULT_DECODE_OPTIONS } from '../decode/defaults.ts';

/** Events and confirmations of a configuration that does not mention them. */
export const DEFAULTS: Defaults = {
  events: DEFAULT_DECODE_OPTIONS,
  confirmations: DEFAULT_DECODE_OPTIONS.confirmations,
};
