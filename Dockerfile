FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=
RUN make build VERSION="$VERSION" && mkdir /data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build --chown=65532:65532 /data /data
COPY --from=build /src/dist/natslock /usr/local/bin/natslock
ENV PATH=/usr/local/bin NATSLOCK_DATA=/data NATSLOCK_NATS=0.0.0.0:4222 NATSLOCK_HTTP=:8080
USER 65532:65532
VOLUME /data
EXPOSE 4222 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --start-interval=500ms \
	CMD ["natslock", "list", "--limit", "1", "--timeout", "3s"]
ENTRYPOINT ["natslock"]
CMD ["serve"]
