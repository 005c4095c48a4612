// cli: plugins for the bundle: packages of which a start uses a part, and would load the whole.
import { readFileSync } from 'node:fs';

/** Packages whose parts NodeSDK uses with the options that src/telemetry/private-sdk.ts gives it. */
const SDK_USES =
  /^(?:node:.*|@opentelemetry\/(?:api|api-logs|core|resources|sdk-logs|sdk-metrics|sdk-trace|semantic-conventions)$)/;

/** Parts of pino for destinations other than the one of src/log/log-stream.ts. */
const PINO_SPARES = /^(?:atomic-sleep|on-exit-leak-free|sonic-boom|thread-stream)$/;

/** A left-out package. Nothing of it is used; whoever uses it all the same is told at once. No value is an instance of it. */
const LEFT_OUT = `const leftOut = () => {
  throw new Error(NAME + ' is not part of the bundle, and was asked for');
};
module.exports = new Proxy(leftOut, {
  get: (_, part) => (part === Symbol.hasInstance ? () => false : leftOut()),
  construct: leftOut,
});`;

/** NodeSDK calls it at every start, here with an empty list. */
const NO_INSTRUMENTATIONS = `exports.registerInstrumentations = ({ instrumentations }) => {
  if (instrumentations.length > 0) throw new Error('the bundle has no instrumentations');
};`;

const leftOut = {
  name: 'left-out',
  setup(bundler) {
    bundler.onResolve({ filter: /^[^.]/ }, ({ path, importer }) => {
      const without = importer.includes('/@opentelemetry/sdk-node/')
        ? !SDK_USES.test(path)
        : importer.includes('/node_modules/pino/') && PINO_SPARES.test(path);
      return without ? { path, namespace: 'left-out' } : undefined;
    });
    bundler.onLoad({ filter: /.*/, namespace: 'left-out' }, ({ path }) => ({
      contents:
        path === '@opentelemetry/instrumentation'
          ? NO_INSTRUMENTATIONS
          : LEFT_OUT.replace('NAME', JSON.stringify(path)),
    }));
  },
};

/**
 * `NodeSDK` alone out of its package, whose index also loads gRPC, Zipkin, instrumentations and readers of configuration files. They
 * are for options that private-sdk.ts never leaves to NodeSDK.
 */
const sdkAlone = {
  name: 'sdk-alone',
  setup(bundler) {
    bundler.onResolve({ filter: /^@opentelemetry\/sdk-node$/ }, async ({ resolveDir, importer, pluginData }) => {
      if (pluginData === 'index') return;
      const found = await bundler.resolve('@opentelemetry/sdk-node', {
        kind: 'import-statement',
        importer,
        resolveDir,
        pluginData: 'index',
      });
      return { path: found.path.replace(/index\.js$/, 'sdk.js') };
    });
  },
};

/** The names that CommonJS files use of OpenTelemetry's conventions. A `require` would bring all of them. */
const conventionsInParts = {
  name: 'conventions-in-parts',
  setup(bundler) {
    bundler.onResolve({ filter: /^@opentelemetry\/semantic-conventions$/ }, ({ importer, kind, resolveDir }) =>
      kind === 'require-call' ? { path: importer, namespace: 'conventions', pluginData: resolveDir } : undefined,
    );
    bundler.onLoad({ filter: /.*/, namespace: 'conventions' }, ({ path, pluginData: resolveDir }) => {
      const used = readFileSync(path, 'utf8').matchAll(/\bsemantic_conventions_1\.(\w+)/g);
      const names = [...new Set(Array.from(used, ([, name]) => name))].join(', ');
      return { contents: `export { ${names} } from '@opentelemetry/semantic-conventions';`, resolveDir };
    });
  },
};

/** The classes of `ws` that are imported. Its files do nothing but export. */
const wsInParts = {
  name: 'ws-in-parts',
  setup(bundler) {
    const harmless = async ({ path, kind, importer, resolveDir }) => {
      const found = await bundler.resolve(path, { kind, importer, resolveDir, pluginData: 'harmless' });
      return { ...found, sideEffects: false };
    };
    bundler.onResolve({ filter: /^(?:ws$|\.\/lib\/)/ }, (asked) =>
      asked.pluginData !== 'harmless' && (asked.path === 'ws' || asked.importer.endsWith('/ws/wrapper.mjs'))
        ? harmless(asked)
        : undefined,
    );
  },
};

/** http-proxy-3, evaluated when the first plain request asks for a proxy. */
const proxyLater = {
  name: 'proxy-later',
  setup(bundler) {
    bundler.onResolve({ filter: /^http-proxy-3$/ }, ({ path, kind, resolveDir }) =>
      kind === 'import-statement' ? { path, namespace: 'later', pluginData: resolveDir } : undefined,
    );
    bundler.onLoad({ filter: /.*/, namespace: 'later' }, ({ path, pluginData: resolveDir }) => ({
      contents: `export const createProxyServer = (options) => require(${JSON.stringify(path)}).createProxyServer(options);`,
      resolveDir,
    }));
  },
};

export const packagesInParts = [leftOut, sdkAlone, proxyLater, conventionsInParts, wsInParts];
