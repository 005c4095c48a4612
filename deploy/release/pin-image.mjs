// Pins the Dockerfile's base image: asks the registry which digest the tag has today and writes `tag@sha256:…` into ARG NODE_IMAGE.
//   npm run pin:image                     needs network; run it before a release and commit what it changes
//   npm run pin:image -- node:24.12.0-bookworm-slim     the same with another tag
// REGISTRY and TOKEN_SERVER stand in for Docker Hub's; DOCKERFILE for ./Dockerfile.
import { readFileSync, writeFileSync } from 'node:fs';

const {
  REGISTRY = 'https://registry-1.docker.io',
  TOKEN_SERVER = 'https://auth.docker.io',
  DOCKERFILE = 'Dockerfile',
} = process.env;
const ARG = /^ARG NODE_IMAGE=(\S+)$/m;
const INDEX_TYPES =
  'application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json';

const dockerfile = readFileSync(DOCKERFILE, 'utf8');
const written = ARG.exec(dockerfile)?.[1];
if (written === undefined) throw new Error(`${DOCKERFILE} has no line "ARG NODE_IMAGE=…"`);
const image = process.argv[2] ?? written.replace(/@.*/, '');
const [, name, tag] = /^([a-z0-9/-]+):([\w.-]+)$/.exec(image) ?? [];
if (tag === undefined) throw new Error(`${image} is not name:tag`);
const repository = name.includes('/') ? name : `library/${name}`;

const asked = await fetch(`${TOKEN_SERVER}/token?service=registry.docker.io&scope=repository:${repository}:pull`);
if (!asked.ok) throw new Error(`the token server answers ${asked.status}`);
const { token } = await asked.json();
// The index of all platforms, not the manifest of this machine's.
const answer = await fetch(`${REGISTRY}/v2/${repository}/manifests/${tag}`, {
  method: 'HEAD',
  headers: { accept: INDEX_TYPES, authorization: `Bearer ${token}` },
});
if (!answer.ok) throw new Error(`the registry answers ${answer.status} for ${image}`);
const digest = answer.headers.get('docker-content-digest') ?? '';
if (!/^sha256:[0-9a-f]{64}$/.test(digest)) throw new Error(`the registry names no digest for ${image}`);
writeFileSync(DOCKERFILE, dockerfile.replace(ARG, `ARG NODE_IMAGE=${image}@${digest}`));
console.log(`${DOCKERFILE}: ${image}@${digest}`);
