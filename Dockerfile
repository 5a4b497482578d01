# The production image: the daemon without the devnet, its demo or any build tool.
# docker build -t plasma-guard .

FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements/runtime.txt requirements/build.txt requirements/
# Two environments, so that nothing needed only for building reaches the image. Every package is pinned by hash.
RUN python -m venv /opt/plasma-guard \
    && /opt/plasma-guard/bin/pip install --no-cache-dir --require-hashes --requirement requirements/runtime.txt \
    && python -m venv /build/tools \
    && /build/tools/bin/pip install --no-cache-dir --require-hashes --requirement requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /build/tools/bin/python -m pip wheel --no-build-isolation --no-deps --wheel-dir dist . \
    && /opt/plasma-guard/bin/pip install --no-cache-dir --no-deps dist/*.whl

FROM python:3.13-slim
# A numeric id, so that an orchestrator can tell that this is not root.
RUN groupadd --gid 10001 guard \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/plasma-guard --shell /usr/sbin/nologin guard \
    && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/plasma-guard
COPY --from=build /opt/plasma-guard /opt/plasma-guard
# The state directory holds the journal and the locks: put a volume there. Nothing else is ever written.
ENV PATH=/opt/plasma-guard/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/var/lib/plasma-guard \
    XDG_STATE_HOME=/var/lib \
    PLASMA_GUARD_CONFIG=/etc/plasma-guard/plasma-guard.toml
VOLUME /var/lib/plasma-guard
USER 10001:10001
EXPOSE 9464
STOPSIGNAL SIGTERM
# Alive means that its loops turn. Plain Python: a probe must stay cheap on a busy machine. If server.port is
# changed, change it here too.
HEALTHCHECK --interval=30s --timeout=30s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.build_opener(r.ProxyHandler({})).open('http://127.0.0.1:9464/live', timeout=20)"]
# The daemon handles signals itself and starts no other processes, so it can be process 1.
ENTRYPOINT ["plasma-guard"]
CMD ["run"]
