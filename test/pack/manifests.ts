// Test support: manifests of Kubernetes: rendered by Kustomize, and judged by the types and schemas of Kubernetes' own API.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { ROOT } from '../dashboards/collect.ts';
import { findProgram } from '../support/component.ts';
import { cannotBuild, KUSTOMIZE, programOf } from './go-program.ts';

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  // biome-ignore lint/suspicious/noExplicitAny: each kind has another shape, which `faultsOf` has judged.
  readonly [key: string]: any;
}

/** True, said aloud, where nothing renders a kustomization. */
export function cannotKustomize(): boolean {
  return findProgram('kubectl') === undefined && cannotBuild(KUSTOMIZE);
}

/** The objects that a folder with a kustomization makes. Throws with Kustomize's words. */
export function kustomized(folder: string): Manifest[] {
  const kubectl = findProgram('kubectl');
  const [program, ...words] = kubectl === undefined ? [programOf(KUSTOMIZE), 'build'] : [kubectl, 'kustomize'];
  return manifestsIn(execFileSync(program!, [...words, join(ROOT, folder)], { encoding: 'utf8' }));
}

export function manifestsIn(text: string): Manifest[] {
  return parseAllDocuments(text, { merge: true }).flatMap((document) => {
    if (document.errors.length > 0) throw document.errors[0]!;
    return document.contents === null ? [] : [document.toJS() as Manifest];
  });
}

/**
 * Fields that are newer than the types: the operator's rules have this one since its version 0.65.
 */
const NEWER = /'"keep_firing_for"' does not exist/;
const OPERATOR = '@kubernetes-models/prometheus-operator';

function moduleOf({ apiVersion }: Manifest): string {
  return `${apiVersion.includes('monitoring.coreos.com') ? OPERATOR : 'kubernetes-models'}/${apiVersion}`;
}

/**
 * What Kubernetes would refuse: values that its schemas do not allow, and fields that do not exist.
 */
export function faultsOf(manifests: readonly Manifest[]): string[] {
  return [...manifests.flatMap(schemaFaults), ...unknownFields(manifests)];
}

function schemaFaults(manifest: Manifest): string[] {
  const models = createRequire(import.meta.url)(moduleOf(manifest)) as Record<
    string,
    new (
      data: object,
    ) => { validate(): void }
  >;
  const Model = models[manifest.kind];
  if (Model === undefined) return [`${manifest.kind}: ${manifest.apiVersion} has no such kind`];
  try {
    new Model(manifest).validate();
    return [];
  } catch (error) {
    return [`${manifest.kind} ${manifest.metadata.name}: ${(error as Error).message}`];
  }
}

/** A field that a type does not have is an error of the compiler where an object is written out. */
function unknownFields(manifests: readonly Manifest[]): string[] {
  const cache = join(ROOT, '.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'manifests-'));
  const lines = manifests.map((manifest, index) => {
    const type = `import('${moduleOf(manifest)}').I${manifest.kind}`;
    return `export const n${index}: ${type} = ${JSON.stringify(manifest, null, 1)};`;
  });
  writeFileSync(join(folder, 'all.ts'), `${lines.join('\n')}\n`);
  const options = ['--ignoreConfig', '--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--types', ''];
  const { status, stdout } = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), [...options, 'all.ts'], {
    cwd: folder,
    encoding: 'utf8',
  });
  rmSync(folder, { recursive: true });
  return status === 0
    ? []
    : stdout
        .trim()
        .split('\n')
        .filter((line) => !NEWER.test(line));
}
