// Test support: MQTT over WebSocket: the broker aedes, and a client of MQTT.js. Every message is binary.
import { Aedes } from 'aedes';
import { connectAsync } from 'mqtt';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { atEnd } from '../backends.ts';
import { createInbox, type ForeignApp, NOTES, wsOf } from './app.ts';
import { portOf } from './ws-server.ts';

export const mqtt: ForeignApp = {
  async serve() {
    const broker = await Aedes.createBroker();
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => 'mqtt' });
    server.on('connection', (socket, request) => broker.handle(createWebSocketStream(socket), request));
    const port = await portOf(server);
    atEnd(() => broker.close());
    return `http://127.0.0.1:${port}`;
  },
  async converse(address) {
    const inbox = createInbox();
    const client = await connectAsync(wsOf(address), { reconnectPeriod: 0 });
    client.on('message', (topic, payload) => inbox.put([topic, String(payload)]));
    await client.subscribeAsync('notes/#', { qos: 1 });
    for (let n = 1; n <= NOTES; n++) await client.publishAsync(`notes/${n}`, `{"event_id":"e${n}"}`, { qos: 1 });
    const got = await inbox.all;
    await client.endAsync();
    return got;
  },
};
