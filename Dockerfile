# The console as one image: web, worker and beat differ by their command (docker-compose.yml).

FROM python:3.13-slim AS build
WORKDIR /app
COPY requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes --requirement requirements.txt
COPY . .
ENV LICENSESYNC_DATA_DIR=/var/lib/licensesync
# Both secrets serve this one step and end with it: nothing that is collected depends on them.
RUN /venv/bin/python -P config/catalogues.py \
    && SECRET_KEY=unused FIELD_ENCRYPTION_KEYS=dW51c2VkLXVudXNlZC11bnVzZWQtdW51c2VkLXVudXM= \
       /venv/bin/python manage.py collectstatic --noinput --verbosity 0

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/licensesync licensesync
COPY --from=build /venv /venv
COPY --from=build /app /app
COPY --from=build --chown=licensesync /var/lib/licensesync /var/lib/licensesync
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 LICENSESYNC_DATA_DIR=/var/lib/licensesync
USER licensesync
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('PORT', '8000')}/healthz\", timeout=4)"]
CMD ["gunicorn", "--config", "python:config.gunicorn", "--bind", "0.0.0.0:8000", "config.wsgi"]
