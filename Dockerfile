# Three stages: the dashboard, the programs with the dashboard embedded, and a small image that holds the two programs.
# Build: docker build -t certyard .

FROM node:24-bookworm-slim AS dashboard
WORKDIR /src/frontend
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY frontend ./
COPY openapi /src/openapi
RUN npm run build

FROM rust:1.95-slim-bookworm AS programs
WORKDIR /src
COPY . .
COPY --from=dashboard /src/frontend/dist frontend/dist
# Without it a missing dashboard would go unnoticed: a Rust-only build is allowed to have none.
ENV CERTYARD_REQUIRE_UI=1
RUN cargo build --release --workspace --locked \
    && install -D -t /out target/release/certyard target/release/certyard-agent

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/certyard certyard \
    && install -d -o certyard -g certyard -m 0700 /var/lib/certyard
COPY --from=programs /out/ /usr/local/bin/
COPY LICENSE NOTICE /usr/share/doc/certyard/
USER certyard
ENV CERTYARD_DATA=/var/lib/certyard \
    CERTYARD_LISTEN=0.0.0.0:8080 \
    CERTYARD_AGENT_LISTEN=0.0.0.0:8443 \
    CERTYARD_OPS_LISTEN=0.0.0.0:9090
VOLUME /var/lib/certyard
EXPOSE 8080 8443 9090
ENTRYPOINT ["certyard"]
CMD ["serve"]
