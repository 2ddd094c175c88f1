# Escuta in a container: the same scripts/setup and the same lock file as on a bare machine.
#   docker build -t escuta . && docker run --rm -p 127.0.0.1:8080:8080 -p 40000-40099:40000-40099/udp \
#       -e ADVERTISED_IP=127.0.0.1 -v escuta-data:/data -v escuta-recordings:/recordings escuta
FROM python:3.12-slim-bookworm AS build
WORKDIR /app
# What scripts/setup reads, and no more: the environment is made anew only when the lock changes.
COPY requirements/base.lock requirements/
COPY scripts/setup scripts/lib.sh scripts/
COPY server/__init__.py server/
RUN scripts/setup

# Media's helper in C; the image itself needs no compiler.
FROM build AS helper
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
COPY server server
RUN .venv/bin/python -m server.media.native

FROM python:3.12-slim-bookworm
RUN groupadd --gid 10001 escuta \
    && useradd --uid 10001 --gid escuta --home-dir /data --no-create-home --shell /usr/sbin/nologin escuta \
    && install -d -m 0700 -o escuta -g escuta /data /recordings
WORKDIR /app
COPY --from=build /app/.venv .venv
COPY server server
COPY --from=helper /app/server/media/relay-*.so server/media/
COPY static static
RUN .venv/bin/python -m compileall -q server

# Nothing is written but to the two volumes and /tmp: run it with --read-only --tmpfs /tmp.
ENV HOST=0.0.0.0 \
    PORT=8080 \
    UDP_PORT_MIN=40000 \
    UDP_PORT_MAX=40099 \
    DATA_DIR=/data \
    RECORDINGS_DIR=/recordings \
    HF_HOME=/data/models \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
VOLUME ["/data", "/recordings"]
EXPOSE 8080/tcp
EXPOSE 40000-40099/udp
HEALTHCHECK --interval=15s --timeout=5s --start-period=90s --retries=3 \
    CMD ["/app/.venv/bin/python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=4)"]
# Calls end cleanly and recordings are finalized on SIGTERM: give it time (docker stop --time 60).
STOPSIGNAL SIGTERM
ENTRYPOINT ["/app/.venv/bin/python", "-m", "server"]
CMD ["serve"]
