# Ackspan as an image: built in one stage, run without build tools and without root in the other.
#   docker build -t ackspan . && docker run --rm -p 8080:8080 ackspan run --upstream http://host.docker.internal:8000
# The tag is not pinned by digest in the sources: a digest is known only to whoever can ask the registry. `npm run pin:image` asks and
# writes it here (tag@sha256:…); run it before a release. `--build-arg NODE_IMAGE=…` does the same for one build.
ARG NODE_IMAGE=node:24.11.1-bookworm-slim
FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build && npm prune --omit=dev

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
USER node
EXPOSE 8080 9464
# The default of admin.listen; a liveness probe of the platform replaces it where that is changed.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9464/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node itself is process 1: SIGTERM reaches it, and it drains before it leaves.
ENTRYPOINT ["node", "dist/cli/main.js"]
CMD ["run"]
