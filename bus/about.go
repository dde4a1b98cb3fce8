package bus

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// answerQuestions subscribes to the questions of the micro protocol: ping, info
// and stats, each of all services, of those of our name, and of this one.
func (s *Service) answerQuestions() error {
	questions := map[micro.Verb]func() any{
		micro.PingVerb:  func() any { return micro.Ping{ServiceIdentity: s.identity, Type: micro.PingResponseType} },
		micro.InfoVerb:  func() any { return s.info() },
		micro.StatsVerb: func() any { return s.stats() },
	}
	for verb, answer := range questions {
		for _, of := range [][2]string{{}, {s.identity.Name}, {s.identity.Name, s.identity.ID}} {
			subject, err := micro.ControlSubject(verb, of[0], of[1])
			if err != nil {
				return err
			}
			sub, err := s.nc.Subscribe(subject, func(m *nats.Msg) { s.tell(m.Reply, answer()) })
			if err != nil {
				return fmt.Errorf("subscribe to %s: %w", subject, err)
			}
			if err := sub.SetPendingLimits(pendingQuestions, pendingQuestionBytes); err != nil {
				return fmt.Errorf("subscribe to %s: %w", subject, err)
			}
			s.about = append(s.about, sub)
		}
	}
	return nil
}

// tell answers a question about the service. Whoever asks from an unsafe inbox,
// or has gone, gets nothing.
func (s *Service) tell(inbox string, answer any) {
	body, err := json.Marshal(answer)
	if err != nil {
		return // cannot be: there is nothing in it that JSON does not know
	}
	_ = Respond(s.nc, inbox, Response{Body: body})
}

func (s *Service) info() micro.Info {
	info := micro.Info{
		ServiceIdentity: s.identity,
		Type:            micro.InfoResponseType,
		Description:     s.cfg.Description,
		Endpoints:       []micro.EndpointInfo{},
	}
	for _, e := range s.endpoints {
		info.Endpoints = append(info.Endpoints, micro.EndpointInfo{
			Name: e.Name, Subject: e.Subject, QueueGroup: s.cfg.Queue, Metadata: map[string]string{},
		})
	}
	return info
}

func (s *Service) stats() micro.Stats {
	stats := micro.Stats{
		ServiceIdentity: s.identity,
		Type:            micro.StatsResponseType,
		Started:         s.started,
		Endpoints:       []*micro.EndpointStats{},
	}
	for _, e := range s.endpoints {
		one := &micro.EndpointStats{
			Name:           e.Name,
			Subject:        e.Subject,
			QueueGroup:     s.cfg.Queue,
			NumRequests:    int(e.requests.Load()),
			NumErrors:      int(e.errors.Load()),
			ProcessingTime: time.Duration(e.nanos.Load()),
		}
		if last := e.last.Load(); last != nil {
			one.LastError = *last
		}
		if one.NumRequests > 0 {
			one.AverageProcessingTime = one.ProcessingTime / time.Duration(one.NumRequests)
		}
		stats.Endpoints = append(stats.Endpoints, one)
	}
	return stats
}
