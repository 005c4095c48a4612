# Ackspan as an image of one program: built in one stage; the other is Node, its libraries and Ackspan, laid out by deploy/image/root.sh.
#   docker build -t ackspan . && docker run --rm -p 8080:8080 ackspan run --upstream http://host.docker.internal:8000
# No shell, no package manager, no root, and nothing that has to be written: `--read-only` works, without a /tmp. A store on disk goes
# into a volume: docker run --read-only -v ackspan:/var/lib/ackspan -e ACKSPAN_STORE=file:/var/lib/ackspan …
# The tag is not pinned by digest in the sources: a digest is known only to whoever can ask the registry. `npm run pin:image` asks and
# writes it here (tag@sha256:…); run it before a release. `--build-arg NODE_IMAGE=…` does the same for one build.
ARG NODE_IMAGE=node:24.11.1-bookworm-slim
FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
# The build ends with a start of the sidecar, which leaves V8's code cache for this very Node.
RUN npm run build && find dist -name '*.map' -delete -o -name '*.d.ts' -delete \
  && sh deploy/image/root.sh /image && mkdir -m 0700 /store

FROM scratch
COPY --from=build /image /
# Where `store: file:/var/lib/ackspan` writes. A new volume takes over whose directory this is.
COPY --from=build --chown=1000:1000 /store /var/lib/ackspan
ENV NODE_ENV=production PATH=/usr/local/bin
WORKDIR /app
# As numbers: Kubernetes believes `runAsNonRoot` only what it can read.
USER 1000:1000
EXPOSE 8080 9464
# The default of admin.listen; a liveness probe of the platform replaces it where that is changed.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9464/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node itself is process 1: SIGTERM reaches it, and it drains before it leaves.
ENTRYPOINT ["node", "/app/dist/cli/main.js"]
CMD ["run"]
