# Builds Docket and puts the one binary on a base without a shell.

FROM docker.io/library/rust:1.95-slim-bookworm AS build
# npm fetches the playground's files, which the build puts into the binary; without it the page uses a CDN.
RUN (apt-get update -qq && apt-get install -y -qq --no-install-recommends npm) || echo "no npm"; \
    rm -rf /var/lib/apt/lists/*
WORKDIR /docket
# The dependencies alone first: this layer is built again only when they change.
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock ./
COPY entity/Cargo.toml entity/
COPY migration/Cargo.toml migration/
RUN mkdir -p src entity/src migration/src \
    && echo 'fn main() {}' > src/main.rs \
    && touch src/lib.rs entity/src/lib.rs migration/src/lib.rs \
    && cargo build --release --locked \
    && rm -r src entity/src migration/src
COPY entity entity
COPY migration migration
COPY build.rs ./
COPY src src
# Cargo looks at times, and those of a copy may be older than the stand-ins'.
RUN find src entity/src migration/src -name '*.rs' -exec touch {} + \
    && cargo build --release --locked \
    && mkdir /data

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /docket/target/release/docket /usr/local/bin/docket
# The directory of the SQLite file, for those who give no DATABASE_URL; a volume keeps it.
COPY --from=build --chown=65532:65532 /data /data
WORKDIR /data
USER 65532:65532
ENV HOST=0.0.0.0 PORT=8000 DOCKET_ENV=production
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["/usr/local/bin/docket", "health"]
ENTRYPOINT ["/usr/local/bin/docket"]
