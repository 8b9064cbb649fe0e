# One image for every service of compose.yaml: web, workers, set-up, dask. See docs/deploying.md.
#
# Python and Debian are pinned by tag and digest. `docker buildx imagetools inspect
# python:3.13-slim-trixie` shows the digest of a newer one. Any Debian with Python 3.11 to 3.13 and
# its venv module works: --build-arg BASE=…
ARG BASE=python:3.13.14-slim-trixie@sha256:eb43ff125d8d58d7449dcba7d336c23bcac412f526d861db493b9994d8010280

FROM ${BASE} AS build
# Optional files of requirements/, separated by spaces: "postgresql embeddings".
ARG EXTRAS=postgresql
WORKDIR /build
COPY requirements.txt ./
COPY requirements requirements
# pip's settings may come along for this step only: --secret id=pip,src=$HOME/.config/pip/pip.conf
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python3 -m venv /venv \
    && set -- -r requirements.txt \
    && for extra in $EXTRAS; do set -- "$@" -r "requirements/$extra.txt"; done \
    && /venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes "$@" \
    # Never imported: TensorFlow's headers and its copy of clang, and the libraries' own tests.
    && cd /venv/lib/python3.*/site-packages \
    && rm -r tensorflow/include clang \
    && find . -type d -name tests -prune -exec rm -r {} +
COPY . /app
# Compiled here: the container's file system is read-only.
RUN cd /app && /venv/bin/python -m songrec.web.fonts \
 && rm -r /app/requirements /app/requirements.txt && /venv/bin/python -m compileall -q -j 0 /app

FROM ${BASE}
# pg_dump and pg_restore are for `flask backup` and `flask restore`.
RUN export DEBIAN_FRONTEND=noninteractive \
    && apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates postgresql-client \
    && apt-get clean && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 songrec \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin songrec \
    && install -d -o songrec -g songrec -m 0700 /instance
COPY --from=build /venv /venv
COPY --from=build /app /app
# Everything that is written lies in /instance, /tmp or TMPDIR. dask's programs import songrec, too.
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=/app \
    FLASK_APP=app.py \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    SONGREC_INSTANCE=/instance \
    SONGREC_HOST=0.0.0.0 \
    PORT=8000
WORKDIR /app
# By number, so that an orchestrator sees that it is not root.
USER 10001:10001
VOLUME /instance
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python", "deploy/healthcheck.py", "web"]
CMD ["gunicorn", "--config", "gunicorn.conf.py", "wsgi:app"]
