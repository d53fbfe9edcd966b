# Builds Docket as a static binary and puts it on a base that has nothing else: no shell, no C library.

FROM docker.io/library/rust:1.95-slim-bookworm AS build
# npm fetches what the playground and the app are made of, which the build puts into the binary; the distribution's Node is
# too old for Vite.
COPY --from=docker.io/library/node:22-bookworm-slim /usr/local/bin/node /usr/local/bin/node
COPY --from=docker.io/library/node:22-bookworm-slim /usr/local/lib/node_modules/npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
WORKDIR /docket
# `dev` is built in a third of the time, for a try.
ARG PROFILE=release
# A target that is named keeps the flags from the programs that the build itself runs.
ENV RUSTFLAGS="-C target-feature=+crt-static"
# What is built once needs no notes for the next time.
ENV CARGO_INCREMENTAL=0
# The dependencies alone first: this layer is built again only when they change.
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock ./
COPY entity/Cargo.toml entity/
COPY migration/Cargo.toml migration/
RUN mkdir -p src entity/src migration/src \
    && echo 'fn main() {}' > src/main.rs \
    && touch src/lib.rs entity/src/lib.rs migration/src/lib.rs \
    && cargo build --bin docket --profile "$PROFILE" --locked --target "$(rustc --print host-tuple)" \
    && rm -r src entity/src migration/src
COPY entity entity
COPY migration migration
COPY build.rs ./
COPY examples/web examples/web
COPY playground playground
COPY docs docs
COPY src src
# Cargo looks at times, and those of a copy may be older than the stand-ins'.
RUN find src entity/src migration/src -name '*.rs' -exec touch {} + \
    && cargo build --bin docket --profile "$PROFILE" --locked --target "$(rustc --print host-tuple)" \
    && mv target/*/*/docket /docket/docket \
    && mkdir /data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /docket/docket /usr/local/bin/docket
# The licences of others are there where release/build has made them.
COPY LICENSE target/package/THIRD-PARTY-LICENSE[S] /licenses/
# The directory of the SQLite file, for those who give no DATABASE_URL; a volume keeps it.
COPY --from=build --chown=65532:65532 /data /data
WORKDIR /data
USER 65532:65532
ENV HOST=0.0.0.0 PORT=8000 DOCKET_ENV=production
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["/usr/local/bin/docket", "health"]
ENTRYPOINT ["/usr/local/bin/docket"]
