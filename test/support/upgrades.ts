// Upgrades that no protocol claims: their messages are plain JSON.
import type { Upgrade } from '../../src/decode/protocol.ts';

export const NO_CLAIM: Upgrade = { path: '/ws', subprotocol: undefined };
