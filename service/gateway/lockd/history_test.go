package lockd_test

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/natslock/natslock/client/clienttest"
)

// asking is a command about a lock, by a connection.
type asking struct {
	by      int
	command string
	lock    string // with its kind
}

// locksModel is one lock of either kind: the state is the set of its holders.
var locksModel = porcupine.Model{
	Partition: func(all []porcupine.Operation) (parts [][]porcupine.Operation) {
		of := map[string][]porcupine.Operation{}
		for _, o := range all {
			lock := o.Input.(asking).lock
			of[lock] = append(of[lock], o)
		}
		for _, part := range of {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return uint(0) },
	Step: func(state, input, output any) (bool, any) {
		s, in, n := state.(uint), input.(asking), output.(int)
		mine := uint(1) << in.by
		switch in.command {
		case "g":
			if s&^mine != 0 {
				return n == 0, s
			}
			return n == 1, mine
		case "sg":
			return n == bits.OnesCount(s|mine), s | mine
		case "r", "sr":
			return n == bits.OnesCount(s&mine), s &^ mine
		default:
			return n == bits.OnesCount(s), s
		}
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprint(input, output) },
}

// TestWhatIsAnsweredIsAHistory has connections to two gateways take, look at and release
// the same locks, and looks for an order in which all of the answers are true.
func TestWhatIsAnsweredIsAHistory(t *testing.T) {
	const callers, steps = 8, 60
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	s := clienttest.New(t)
	doors := []*door{openCluster(t, s), openCluster(t, s)}
	var (
		mu   sync.Mutex
		all  []porcupine.Operation
		done sync.WaitGroup
	)
	began := time.Now()
	for i := range callers {
		c := dial(t, doors[i%2].tcp)
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		done.Go(func() {
			for range steps {
				in := asking{by: i, command: []string{"g", "r", "i", "sg", "sr", "si"}[r.IntN(6)]}
				name := string(rune('a' + r.IntN(2)))
				in.lock = strings.TrimRight(in.command, "gri") + " " + name
				o := porcupine.Operation{ClientId: i, Input: in, Call: int64(time.Since(began))}
				n, err := number(c, in.command+" "+name)
				if err != nil {
					t.Error(err)
					return
				}
				o.Output, o.Return = n, int64(time.Since(began))
				mu.Lock()
				all = append(all, o)
				mu.Unlock()
			}
		})
	}
	done.Wait()
	if result, _ := porcupine.CheckOperationsVerbose(locksModel, all, never); result != porcupine.Ok {
		t.Errorf("%s: %v", result, all)
	}
}

// number sends a command and returns the number that its reply begins with.
func number(c *streamed, command string) (n int, err error) {
	if _, err := fmt.Fprintln(c, command); err != nil {
		return 0, err
	}
	line, err := c.in.ReadString('\n')
	if err == nil {
		_, err = fmt.Sscan(line, &n)
	}
	return n, err
}
