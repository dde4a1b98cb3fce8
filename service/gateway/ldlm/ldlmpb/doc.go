// Package ldlmpb is the gRPC service ldlm.LDLM and its messages, made from
// ldlm.proto by make proto.
package ldlmpb
