# syntax=docker/dockerfile:1
# The steps are kept to what deploy/try-image-steps.mjs can also run without a container engine.

ARG NODE_VERSION=24
ARG DEBIAN=trixie

# What run time needs, for the platform of the image: some packages bring binaries.
FROM node:${NODE_VERSION}-${DEBIAN}-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY tools/node ./tools/node
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev

# The built files are the same for all platforms, so they are made on the one that builds.
FROM --platform=$BUILDPLATFORM node:${NODE_VERSION}-${DEBIAN}-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY tools/node ./tools/node
RUN --mount=type=cache,target=/root/.npm npm ci
COPY . .
# The image holds what the package holds: `files` in package.json is the only list.
RUN npm pack --pack-destination /tmp && mkdir /package && tar -xzf /tmp/inlet-*.tgz -C /package --strip-components=1

FROM node:${NODE_VERSION}-${DEBIAN}-slim
# ffmpeg makes previews of videos. The user has a name, which the embedded PostgreSQL needs to make its data.
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
# Everything that is written is below here; the rest of the file system may be read-only.
VOLUME /var/lib/inlet
USER 10001:10001
EXPOSE 3000
HEALTHCHECK --interval=15s --timeout=5s --start-period=90s --retries=3 CMD ["node", "/app/healthcheck.mjs"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["inlet"]
CMD ["start"]
