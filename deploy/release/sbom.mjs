// The bill of materials of a release: what the image and the package hold besides Ackspan itself, as CycloneDX JSON, out of package-lock.json.
//   npm run sbom        writes .cache/ackspan-<version>.cdx.json and prints where; needs a build, but neither network nor node_modules
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const { name, version } = JSON.parse(readFileSync('package.json', 'utf8'));
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));

/** `name@version` of everything that is installed without the tools of development. */
const installed = Object.entries(packages)
  .filter(([path, { dev, devOptional }]) => path !== '' && dev !== true && devOptional !== true)
  .map(([path, entry]) => `${entry.name ?? path.replace(/^.*node_modules\//, '')}@${entry.version}`);
/** The same of what is inside the bundles of the command and the page, which list it with its licences. */
const bundled = ['command', 'page'].flatMap((part) => {
  const text = readFileSync(`dist/${part}/licences.txt`, 'utf8');
  return Array.from(text.matchAll(/^(\S+) (\d+\.\d+\.\d+\S*) \(.*\)$/gm), ([, of, its]) => `${of}@${its}`);
});
const released = new Set([...installed, ...bundled]);

// Not `--omit=dev`: npm 11 then leaves out what a release and a tool both need, such as @opentelemetry/api.
const args = ['sbom', '--package-lock-only', '--sbom-format=cyclonedx', '--sbom-type=application'];
const bom = JSON.parse(execFileSync('npm', args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }));
const itself = `${name}@${version}`;
bom.components = bom.components.filter((each) => released.has(each['bom-ref']));
bom.dependencies = bom.dependencies
  .filter(({ ref }) => ref === itself || released.has(ref))
  .map((each) => ({ ...each, dependsOn: (each.dependsOn ?? []).filter((ref) => released.has(ref)) }));
// npm takes the name of the folder.
bom.metadata.component.name = name;

const told = new Set(bom.components.map((each) => each['bom-ref']));
const missing = [...released].filter((ref) => !told.has(ref));
if (missing.length > 0) throw new Error(`npm sbom leaves out ${missing.join(', ')}`);

mkdirSync('.cache', { recursive: true });
const file = `.cache/${name}-${version}.cdx.json`;
writeFileSync(file, `${JSON.stringify(bom, null, 2)}\n`);
console.log(`${file}: ${bom.components.length} components`);
