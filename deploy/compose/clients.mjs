// docker-compose: the demo's clients, good and bad, against TARGET (default ws://127.0.0.1:8080). Every two minutes some die or
// freeze, and a minute later everybody comes anew, so that dashboards and alerts have something to show.
import { CAST, membersOf } from '../../dist/demo/cast.js';
import { createFleet } from '../../dist/demo/fleet.js';

const MISFORTUNE_MS = 120_000;
const ANEW_MS = 180_000;
const target = process.env.TARGET ?? 'ws://127.0.0.1:8080';

const fleet = await createFleet(target, membersOf(CAST));
console.log(JSON.stringify({ msg: 'connected', target, clients: membersOf(CAST).length }));
setTimeout(() => fleet.misfortune(), MISFORTUNE_MS);
// The container's restart policy brings the next round.
setTimeout(() => process.exit(0), ANEW_MS);
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
