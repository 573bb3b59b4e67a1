# One image for every process of BOSS: web, workers, clock, migrations. See docker-compose.yml.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    BOSS_NO_BOOTSTRAP=1 \
    DJANGO_SETTINGS_MODULE=boss.settings.prod

RUN useradd --system --create-home --uid 10001 boss
WORKDIR /app

# Before the sources, so that a change of code does not install everything again.
COPY requirements.txt .
RUN pip install --require-hashes -r requirements.txt

COPY . .
RUN python -m compileall -q boss ticketing workflow catalog subscribers ipservices \
    && BOSS_SECRET_KEY=only-to-collect-the-static-files python manage.py collectstatic --noinput \
    && mkdir -p .boss && chown boss .boss

USER boss
EXPOSE 8000
CMD ["python", "-m", "gunicorn", "boss.wsgi:application", "--bind", "0.0.0.0:8000", "--preload", "--workers", "2", "--threads", "4", "--no-control-socket", "--worker-tmp-dir", "/dev/shm", "--access-logfile", "-", "--logger-class", "boss.platform.web_log.WebLog"]
