FROM python:3.13-slim-bookworm AS build
WORKDIR /guerdon
COPY requirements.lock ./
RUN python -m venv .venv \
    && .venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . ./
RUN .venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation -e . \
    && .venv/bin/python -m compileall -q app migrations

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --home-dir /data guerdon \
    && install --directory --owner=guerdon /data
COPY --from=build /guerdon /guerdon
ENV PATH=/guerdon/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    GUERDON_HOST=0.0.0.0 \
    GUERDON_DATA_DIR=/data
USER guerdon
WORKDIR /guerdon
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["python", "-c", "import os, urllib.request as http; http.urlopen(f\"http://127.0.0.1:{os.environ.get('GUERDON_PORT', 8000)}/healthz\", timeout=2)"]
ENTRYPOINT ["guerdon"]
CMD ["serve"]
