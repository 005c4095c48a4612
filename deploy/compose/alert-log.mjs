// docker-compose: stands for your pager: prints each alert that Alertmanager posts, and serves the runbooks that dashboards link to.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { basename, join } from 'node:path';

const RUNBOOKS = process.env.RUNBOOKS ?? join(import.meta.dirname, '../../docs/runbooks');
const port = Number(process.env.PORT ?? 9095);

async function runbook(name) {
  try {
    return await readFile(join(RUNBOOKS, basename(name)), 'utf8');
  } catch {
    // No such page: the answer says so.
    return undefined;
  }
}

async function log(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const notice = JSON.parse(Buffer.concat(chunks).toString());
  for (const { status, labels, annotations } of notice.alerts) {
    console.log(JSON.stringify({ receiver: notice.receiver, status, ...labels, summary: annotations.summary }));
  }
}

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://alert-log');
  if (request.method === 'POST') {
    try {
      await log(request);
      response.end();
    } catch {
      // What was posted is no notice of Alertmanager's.
      response.writeHead(400).end();
    }
    return;
  }
  const text = pathname.startsWith('/runbooks/') ? await runbook(pathname) : undefined;
  if (text === undefined) response.writeHead(404).end('no such page\n');
  else response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
});
server.listen(port, () => console.log(JSON.stringify({ msg: 'listening', port: server.address().port })));
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
