# syntax=docker/dockerfile:1
# deploy/try-image-steps.mjs runs these steps without a container engine, so it must know every kind of instruction here.

ARG NODE_VERSION=24
ARG DEBIAN=trixie

# The runtime dependencies, for the platform of the image, because some packages contain binaries.
FROM node:${NODE_VERSION}-${DEBIAN}-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY tools/node ./tools/node
# Prisma's command line and TypeScript are development dependencies and also optional peers of @prisma/client. `npm ci --omit=dev` would
# therefore install them, with 250 MB.
RUN --mount=type=cache,target=/root/.npm npm pkg delete devDependencies && npm ci --omit=peer

# The built files are the same for all platforms, so the platform of the builder makes them.
FROM --platform=$BUILDPLATFORM node:${NODE_VERSION}-${DEBIAN}-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY tools/node ./tools/node
RUN --mount=type=cache,target=/root/.npm npm ci
COPY . .
# The image contains the files of the package, which `files` in package.json lists.
RUN npm pack --pack-destination /tmp && mkdir /package && tar -xzf /tmp/inlet-*.tgz -C /package --strip-components=1

FROM node:${NODE_VERSION}-${DEBIAN}-slim
# ffmpeg makes previews of videos. The user needs a name, because initdb of the embedded PostgreSQL asks for one.
RUN apt-get update \
  && apt-get install -y --no-install-recommends ffmpeg \
  && rm -rf /var/lib/apt/lists/* \
  && groupadd --gid 10001 inlet \
  && useradd --uid 10001 --gid 10001 --home-dir /var/lib/inlet --create-home --shell /usr/sbin/nologin inlet \
  && ln -s /app/bin/inlet.mjs /usr/local/bin/inlet
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /package ./
COPY deploy/healthcheck.mjs ./
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 INLET_DIR=/var/lib/inlet/state UPLOADS_DIR=/var/lib/inlet/uploads
# Inlet writes only below this folder, so the rest of the file system may be read-only.
VOLUME /var/lib/inlet
USER 10001:10001
EXPOSE 3000
HEALTHCHECK --interval=15s --timeout=5s --start-period=90s --retries=3 CMD ["node", "/app/healthcheck.mjs"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["inlet"]
CMD ["start"]
