module github.com/nats-io/nsc/v2

go 1.25.0

require github.com/nats-io/nkeys v0.4.15
