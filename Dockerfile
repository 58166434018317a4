# The server alone: give it a PostgreSQL with DATABASE_URL, or a volume at /data for its own.
FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1

WORKDIR /app
COPY requirements.txt .
RUN pip install --disable-pip-version-check -r requirements.txt

COPY pyproject.toml README.md LICENSE manage.py ./
COPY sentrylite sentrylite
COPY issues issues
COPY stats stats
RUN pip install --disable-pip-version-check --no-deps . \
    && useradd --system --create-home --home-dir /data sentrylite

USER sentrylite
VOLUME /data
EXPOSE 8000
ENV SENTRYLITE_HOST=0.0.0.0 SENTRYLITE_PORT=8000 SENTRYLITE_DATA_DIR=/data/sentrylite

HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/_health/', timeout=2)"]

# SIGTERM finishes the requests under way and writes what waits.
STOPSIGNAL SIGTERM
CMD ["sentrylite", "serve"]
