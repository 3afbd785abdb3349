# The service in a container: slim, not root, nothing to write but /state and /tmp.
#   docker build -t bme-cds-service .
#   docker run --read-only --tmpfs /tmp -v cds-state:/state -p 127.0.0.1:8321:8321 --env-file cds.env bme-cds-service
# Inside a container the service listens to others, so it refuses to start without BME_AUTH (README, "Authenticate
# clients"). End TLS in front of it.

FROM python:3.11-slim AS build
WORKDIR /build
COPY requirements-build.lock requirements-container.lock ./
RUN python -m venv /opt/build && python -m venv /opt/cds \
 && /opt/build/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements-build.lock \
 && /opt/cds/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements-container.lock
COPY CHANGELOG.md LICENSE NOTICE README.md pyproject.toml ./
COPY cds_service cds_service
COPY fixtures fixtures
COPY hooks hooks
RUN /opt/build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir dist . \
 && /opt/cds/bin/pip install --no-cache-dir --no-deps --no-index dist/*.whl

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin cds \
 && install -d -o 10001 -m 0700 /state
COPY --from=build /opt/cds /opt/cds
ENV PATH=/opt/cds/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    STATE_DIRECTORY=/state \
    BME_HOST=0.0.0.0
USER 10001
VOLUME /state
EXPOSE 8321
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8321/health/live', timeout=2)"]
ENTRYPOINT ["cds-service"]
CMD ["serve"]
