# Ackspan as an image: built in one stage; the other has what the sidecar needs to run, without a shell and without root.
#   docker build -t ackspan . && docker run --rm -p 8080:8080 ackspan run --upstream http://host.docker.internal:8000
# The tag is not pinned by digest in the sources: a digest is known only to whoever can ask the registry. `npm run pin:image` asks and
# writes it here (tag@sha256:…); run it before a release. `--build-arg NODE_IMAGE=…` does the same for one build.
ARG NODE_IMAGE=node:24.11.1-bookworm-slim
FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
# The build ends with a start of the sidecar, which leaves V8's code cache for this very Node.
RUN npm run build && find dist -name '*.map' -delete -o -name '*.d.ts' -delete
# The image: Node with the libraries that it is linked to, `env` for `ackspan` as a command, and the build. No shell, no npm.
# The command is bundled; the compose file's backend and clients use `ws`.
WORKDIR /image
RUN cp --parents -L /usr/local/bin/node /usr/bin/env /etc/passwd /etc/group /etc/nsswitch.conf . \
  && cp --parents -L $(ldd /usr/local/bin/node /usr/bin/env | grep -o '/lib[^ ]*' | sort -u) . \
  && mkdir -p app/node_modules && mkdir -m 1777 tmp \
  && cp -a /app/package.json /app/LICENSE /app/dist app/ && cp -a /app/node_modules/ws app/node_modules/ \
  && chmod +x app/dist/cli/main.js && ln -s /app/dist/cli/main.js usr/local/bin/ackspan

FROM scratch
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /image /
USER 1000:1000
EXPOSE 8080 9464
# The default of admin.listen; a liveness probe of the platform replaces it where that is changed.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9464/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node itself is process 1: SIGTERM reaches it, and it drains before it leaves.
ENTRYPOINT ["node", "dist/cli/main.js"]
CMD ["run"]
