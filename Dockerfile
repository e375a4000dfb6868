# The exporter with locked dependencies, on Python without a shell. See docs/releasing.md.

FROM docker.io/library/python:3.13-slim-trixie AS base
# The path of Python in the last stage, so that installed scripts run there, too.
RUN ln -sf /usr/local/bin/python /usr/bin/python
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_INPUT=1 \
    PIP_ROOT_USER_ACTION=ignore
# Time of the build, in Unix seconds.
ARG SOURCE_DATE_EPOCH

FROM base AS builder
WORKDIR /source
COPY requirements/build.lock requirements/
RUN pip install --quiet --no-cache-dir --no-deps --require-hashes --only-binary=:all: -r requirements/build.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN python -m hatchling build --target wheel

# A release puts the tested wheel here instead: --build-context wheel=dist
FROM scratch AS wheel
COPY --from=builder /source/dist/ /

FROM base AS installer
ENV VENV=/opt/insights-exporter
WORKDIR /install
COPY requirements/runtime.lock ./
RUN /usr/bin/python -m venv --without-pip "$VENV" \
    && pip --python "$VENV/bin/python" install --quiet --no-cache-dir --no-compile \
        --no-deps --require-hashes --only-binary=:all: -r runtime.lock
COPY --from=wheel / wheel/
# Files with a hash instead of a time: the same in every build, and never written while the exporter runs.
RUN pip --python "$VENV/bin/python" install --quiet --no-cache-dir --no-compile --no-index --no-deps wheel/*.whl \
    && "$VENV/bin/python" -m compileall -q --invalidation-mode unchecked-hash "$VENV/lib"

FROM gcr.io/distroless/python3-debian13:nonroot
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="insights-exporter" \
      org.opencontainers.image.description="Prometheus exporter for Coder's Insights API" \
      org.opencontainers.image.url="https://github.com/insights-exporter/insights-exporter" \
      org.opencontainers.image.source="https://github.com/insights-exporter/insights-exporter" \
      org.opencontainers.image.documentation="https://github.com/insights-exporter/insights-exporter/blob/main/docs/container.md" \
      org.opencontainers.image.vendor="insights-exporter" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="gcr.io/distroless/python3-debian13:nonroot" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=installer /opt/insights-exporter /opt/insights-exporter
ENV PATH="/opt/insights-exporter/bin:${PATH}" \
    PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
EXPOSE 12112
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["insights-exporter", "health"]
ENTRYPOINT ["insights-exporter"]
