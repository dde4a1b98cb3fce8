// Command ldlm does a task that only one process may do at a time, as a client of LDLM:
// over gRPC, with the code that protoc makes of its proto file.
package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

// timeout is that of the lock, in seconds. It is renewed while the task is done.
const timeout int32 = 30

func main() {
	if err := run(context.Background()); err != nil {
		slog.Error("the task is not done", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	conn, err := grpc.NewClient(cmp.Or(os.Getenv("LDLM"), "127.0.0.1:3144"),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // what it holds ends with it in any case
	client := pb.NewLDLMClient(conn)

	lockTimeout := timeout
	lock, err := client.Lock(ctx, &pb.LockRequest{Name: "task", LockTimeoutSeconds: &lockTimeout})
	if err != nil {
		return err
	}
	if !lock.GetLocked() {
		return fmt.Errorf("lock: %s", lock.GetError().GetMessage())
	}
	for part := 1; part <= 3; part++ {
		fmt.Println("part", part)
		time.Sleep(100 * time.Millisecond) // the work
		r, err := client.Renew(ctx, &pb.RenewRequest{Name: "task", Key: lock.GetKey(), LockTimeoutSeconds: timeout})
		if err != nil {
			return err
		}
		if !r.GetLocked() {
			return fmt.Errorf("the lock is lost: %s", r.GetError().GetMessage())
		}
	}
	unlocked, err := client.Unlock(ctx, &pb.UnlockRequest{Name: "task", Key: lock.GetKey()})
	if err != nil {
		return err
	}
	fmt.Println("unlocked:", unlocked.GetUnlocked())
	return nil
}
