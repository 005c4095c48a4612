// A process of plain `ws` clients: connects, reads, and says in JSON lines how many events have come in. argv: how many for each address, addresses.
import { WebSocket } from 'ws';

const [count, ...addresses] = process.argv.slice(2);
let received = 0;
for (let i = 0; i < Number(count) * addresses.length; i++) {
  const socket = new WebSocket(`${addresses[i % addresses.length]}/client-${i}`);
  socket.on('message', () => {
    received++;
    if (received % 20 === 0) console.log(JSON.stringify({ received }));
  });
  socket.on('error', (error) => {
    console.log(JSON.stringify({ error: error.message }));
    process.exitCode = 1;
  });
}
