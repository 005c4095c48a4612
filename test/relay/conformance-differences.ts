// The differences by design that the conformance cases show: what both ends would see directly → what they see through the sidecar.
import type { View } from './conformance-run.ts';

/**
 * docs/transparency.md, forgetful client: a client's message can be taken out without spoiling the
 * window.
 */
function forgetfulClient({ raw, ws, extensions }: View): View {
  return { raw, ws, extensions: `${extensions}; client_no_context_takeover` };
}

/** What is to be seen through the sidecar. */
export function throughSidecar(direct: View): View {
  const { extensions } = direct;
  const remembers = extensions !== '' && !extensions.includes('client_no_context_takeover');
  return remembers ? forgetfulClient(direct) : direct;
}
