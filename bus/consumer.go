package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nuid"
)

// consumerConfig has the settings of a consumer, by the names of the JetStream API.
type consumerConfig struct {
	Name       string        `json:"name"`
	Deliver    string        `json:"deliver_subject"`
	Policy     string        `json:"deliver_policy"`
	Start      uint64        `json:"opt_start_seq,omitempty"`
	Ack        string        `json:"ack_policy"`
	Replay     string        `json:"replay_policy"`
	Filter     string        `json:"filter_subject"`
	Rate       uint64        `json:"rate_limit_bps,omitempty"`
	Flow       bool          `json:"flow_control"`
	Beat       time.Duration `json:"idle_heartbeat"`
	Keep       time.Duration `json:"inactive_threshold"`
	Replicas   int           `json:"num_replicas"`
	Memory     bool          `json:"mem_storage"`
	MaxDeliver int           `json:"max_deliver"`
}

// consumerAfter is a consumer of what comes after a revision; after none, of what
// every key is at.
func (b *Bucket) consumerAfter(revision uint64, inbox string) consumerConfig {
	config := consumerConfig{
		Name: nuid.Next(), Deliver: inbox, Policy: "last_per_subject", Ack: "none", Replay: "instant",
		Filter: b.prefix + ">", Flow: true, Beat: watchBeat, Keep: watchKeep, Replicas: 1, Memory: true, MaxDeliver: 1,
	}
	if revision > 0 {
		config.Policy, config.Start = "by_start_sequence", revision+1
	}
	return config
}

func (b *Bucket) createConsumer(ctx context.Context, config consumerConfig) error {
	body, err := json.Marshal(map[string]any{"stream_name": b.stream, "config": config})
	if err != nil {
		return err
	}
	try, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	m, err := b.nc.RequestWithContext(try, apiPrefix+"CONSUMER.CREATE."+b.stream+"."+config.Name+"."+config.Filter, body)
	if err != nil {
		return unreachable(err)
	}
	var answer struct {
		Error *apiError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return fmt.Errorf("%s: %w", textUnacceptable, err)
	}
	if answer.Error != nil {
		return answer.Error
	}
	return nil
}

// pendingOf is how many messages are behind a delivered one, by the same reply
// subject; 0 if it does not say.
func pendingOf(reply string) (pending int64) {
	tokens := strings.SplitN(reply, ".", 13)
	last := 8
	if len(tokens) > 9 {
		last = 10 // domain and account are before it
	}
	if len(tokens) <= last {
		return 0
	}
	pending, _ = strconv.ParseInt(tokens[last], 10, 64) // 0 if it is none
	return max(pending, 0)
}

// parseDelivery reads the reply subject of a delivered message,
//
//	$JS.ACK.<stream>.<consumer>.<tries>.<revision>.<delivery>.<time>.<pending>
//
// also with domain and account before the stream and anything behind pending.
func parseDelivery(reply string) (revision, delivery uint64, ok bool) {
	rest, ok := strings.CutPrefix(reply, "$JS.ACK.")
	if !ok {
		return 0, 0, false
	}
	skip := 3 // stream, consumer and tries
	if strings.Count(rest, ".") > 6 {
		skip = 5 // and domain and account
	}
	for range skip {
		_, rest, _ = strings.Cut(rest, ".")
	}
	first, rest, _ := strings.Cut(rest, ".")
	second, _, _ := strings.Cut(rest, ".")
	revision, err := strconv.ParseUint(first, 10, 64)
	if err != nil {
		return 0, 0, false
	}
	delivery, err = strconv.ParseUint(second, 10, 64)
	return revision, delivery, err == nil
}
