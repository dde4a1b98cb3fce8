package ldlm

import (
	"fmt"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"

	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

// kind is what was asked.
type kind string

const (
	asksLock   kind = "lock" // with and without waiting
	asksUnlock kind = "unlock"
	asksRenew  kind = "renew"
	gaveUp     kind = "give up" // an attempt: it has got nothing, or gives it back some time
	asksSight  kind = "sight"   // of another door: the keys that hold
)

// asked is one call.
type asked struct {
	kind
	name    string
	attempt int // of a lock, and of giving it up
	size    int32
	key     string
}

// told is what it was told.
type told struct {
	key    string // that holds, after a lock
	ok     bool
	code   pb.ErrorCode // if not ok
	failed bool         // with a status: nothing is known
	keys   []string
}

// lockModel is a lock as its callers believe it to be, by the rules of the model of
// package service: its state is a text, so that states can be compared.
type lockModel struct {
	size  int32
	holds []holding
}

type holding struct {
	key     string // "" is one that nobody was told
	attempt int
}

func (m lockModel) String() string { return fmt.Sprint(m.size, m.holds) }

// model explains what was told, of each lock by itself.
var model = (&porcupine.NondeterministicModel{
	Partition: func(all []porcupine.Operation) (parts [][]porcupine.Operation) {
		of := map[string][]porcupine.Operation{}
		for _, o := range all {
			name := o.Input.(asked).name
			of[name] = append(of[name], o)
		}
		for _, part := range of {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() []any { return []any{lockModel{}} },
	Step: func(state, input, output any) []any { return state.(lockModel).step(input.(asked), output.(told)) },
	Equal: func(a, b any) bool {
		x, y := a.(lockModel), b.(lockModel)
		return x.size == y.size && slices.Equal(x.holds, y.holds)
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v: %+v", input, output) },
}).ToModel()

// step returns what the lock may be afterwards; nothing when the answer is wrong.
func (m lockModel) step(in asked, out told) []any {
	switch in.kind {
	case asksLock:
		return m.lock(in, out)
	case asksUnlock:
		i := m.of(in.key)
		return only((i >= 0) == out.ok, m.without(i))
	case asksRenew:
		return only((m.of(in.key) >= 0) == out.ok, m)
	case gaveUp:
		return []any{m.without(slices.IndexFunc(m.holds, func(h holding) bool { return h.attempt == in.attempt }))}
	default:
		same := len(m.holds) == len(out.keys)
		for i := range m.holds {
			same = same && (m.holds[i].key == "" || m.holds[i].key == out.keys[i])
		}
		return only(same, m)
	}
}

func (m lockModel) lock(in asked, out told) []any {
	fits := len(m.holds) == 0 || m.size == in.size && len(m.holds) < int(m.size)
	granted := lockModel{in.size, append(slices.Clone(m.holds), holding{out.key, in.attempt})}
	switch {
	case out.failed && fits:
		return []any{m, granted}
	case out.failed, out.code == pb.ErrorCode_LockWaitTimeout:
		return []any{m}
	case out.ok:
		return only(fits, granted)
	case out.code == pb.ErrorCode_LockSizeMismatch:
		return only(len(m.holds) > 0 && m.size != in.size, m)
	default:
		return only(!fits && m.size == in.size, m) // it is full: nobody waits for a lock that is not
	}
}

func (m lockModel) of(key string) int {
	return slices.IndexFunc(m.holds, func(h holding) bool { return h.key == key && strings.TrimSpace(key) != "" })
}

func (m lockModel) without(i int) lockModel {
	if i < 0 {
		return m
	}
	m.holds = slices.Delete(slices.Clone(m.holds), i, i+1)
	if len(m.holds) == 0 {
		m.size = 0
	}
	return m
}

// only is a state, if it can be.
func only(can bool, m lockModel) []any {
	if !can {
		return nil
	}
	return []any{m}
}
