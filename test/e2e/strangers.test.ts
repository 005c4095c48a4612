// Strangers over real sockets: forged upgrades and words about every event of a victim, at a backend that checks what it promises to check.
import { afterEach, describe, expect, it } from 'vitest';
import { letsIn } from '../hostile/backend.ts';
import { forge, hs256, SECRET, VICTIMS } from '../hostile/forgeries.ts';
import { closeAll, rawClient } from '../support/backends.ts';
import { chosenSeed, withSeed } from '../support/chance.ts';
import { clientFrame } from '../support/raw-frames.ts';
import { bugs, sidecarHere } from '../support/sidecar-here.ts';
import { confirmation, event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

const STRANGERS = 60;
const EVENTS = 10;
const RULES = [{ match: 'patient', confirm: 'processed', timeout: '60s', attempts: [] }];
const KEYED = { user: 'jwt:sub, header:x-user', jwt_from: 'authorization, subprotocol, query', jwt_key: SECRET };
const honest = { 'X-User': 'ann', Cookie: 'uid=ann' };

describe('[D19] no word of a stranger counts', () => {
  it.each([
    ['header:x-user, trust: upstream', { user: 'header:x-user', trust: 'upstream' }, ['header:x-user'], honest],
    ['cookie:uid, trust: upstream', { user: 'cookie:uid', trust: 'upstream' }, ['cookie:uid'], honest],
    ['header:x-user, trust: none', { user: 'header:x-user' }, [], honest],
    ['jwt_key', KEYED, [], { Authorization: `Bearer ${hs256({ sub: 'ann', exp: 4_000_000_000 })}` }],
  ])(
    '%s',
    async (_, identity, checked, headers) => {
      await withSeed(chosenSeed(), async (chance) => {
        const backend = await startWsBackend();
        const sidecar = await sidecarHere(backend.address, { identity, events: { rules: RULES } });
        const victim = await openClient(`${sidecar.ws}/ws`, { headers });
        const toVictim = await backend.peer(0);
        for (let n = 0; n < EVENTS; n++) tell(toVictim, event(`e${n}`, 'patient'));
        await sidecar.reach({ tracked: EVENTS, pending: EVENTS });
        backend.server.options.verifyClient = ({ req }: { req: { url?: string | undefined; rawHeaders: string[] } }) =>
          letsIn({ url: req.url!, rawHeaders: req.rawHeaders }, checked, chance);

        let words = 0;
        for (let n = 0; n < STRANGERS; n++) {
          const { url, rawHeaders } = forge(chance);
          const lines = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${rawHeaders[i + 1]}`] : []));
          const stranger = rawClient(sidecar.port);
          const rest = [
            'Upgrade: websocket',
            'Sec-WebSocket-Version: 13',
            'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
          ];
          stranger.send(`GET ${url} HTTP/1.1\r\n${[...lines, ...rest].join('\r\n')}\r\n\r\n`);
          if (!(await stranger.head()).start.includes(' 101 ')) continue;
          for (let e = 0; e < EVENTS; e++, words++) {
            const said = chance.between(0, 1) === 0 ? { status: 'failed', error: 'said the stranger' } : {};
            stranger.socket.write(clientFrame(JSON.stringify(confirmation(`e${e}`, said))));
          }
        }
        expect(words).toBeGreaterThan(EVENTS);
        // Every word was read and judged.
        await expect
          .poll(() => sidecar.sum('ackspan_confirmation_unmatched_total', { reason: 'foreign' }), { timeout: 60_000 })
          .toBe(words);
        await sidecar.reach({ pending: EVENTS, confirmed: 0, failed: 0 });
        const { connections } = await sidecar.get<{ connections: { user: string | null }[] }>(
          '/api/v1/connections?limit=500',
        );
        const taken = connections.filter(({ user }) => user !== null && VICTIMS.includes(user));
        expect(taken).toHaveLength('trust' in identity || 'jwt_key' in identity ? 1 : 0);
        for (let e = 0; e < EVENTS; e++) tell(victim, confirmation(`e${e}`));
        await sidecar.reach({ confirmed: EVENTS, failed: 0, pending: 0 });
        expect(bugs(sidecar)).toEqual([]);
      });
    },
    60_000,
  );
});
