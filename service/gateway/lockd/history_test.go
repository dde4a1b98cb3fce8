package lockd_test

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/coder/websocket"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
)

// asking is a command about a lock, by a connection, or the end of the connection as far
// as it is about the lock.
type asking struct {
	by      int
	command string
	lock    string // with its kind
}

// The end of a connection, and the answer to what was asked just before it.
const (
	leaving = "leave"
	unheard = -1
)

// lockState is a lock of either kind, as sets of connections.
type lockState struct{ holders, gone uint64 }

// locksModel is what locks of either kind do, one lock at a time.
var locksModel = (&porcupine.NondeterministicModel{
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
	Init:              func() []any { return []any{lockState{}} },
	Step:              func(state, input, output any) []any { return state.(lockState).after(input.(asking), output.(int)) },
	Equal:             func(a, b any) bool { return a == b },
	DescribeOperation: func(input, output any) string { return fmt.Sprint(input, output) },
}).ToModel()

// after are the states that may come after a command with an answer. What nobody heard of
// may have been done, but not after the end of the connection.
func (s lockState) after(in asking, n int) []any {
	mine := uint64(1) << in.by
	with, without := s, s
	with.holders |= mine
	without.holders &^= mine
	next := without
	answer := bits.OnesCount64(s.holders)
	switch in.command {
	case leaving:
		without.gone |= mine
		return []any{without}
	case "g":
		if next, answer = with, 1; s.holders&^mine != 0 {
			next, answer = s, 0
		}
	case "sg":
		next, answer = with, bits.OnesCount64(with.holders)
	case "r", "sr":
		answer = bits.OnesCount64(s.holders & mine)
	default:
		next = s
	}
	switch {
	case n == unheard && s.gone&mine != 0:
		return []any{s}
	case n == unheard:
		return []any{s, next}
	case n == answer:
		return []any{next}
	}
	return nil
}

// history is what several connections ask at the same time, over all ways into two doors.
type history struct {
	doors []*door
	seen  [2]*client.Client // of the realm of exclusive locks, and of shared ones
	began time.Time
	conns atomic.Int64
	steps atomic.Int64

	mu  sync.Mutex
	all []porcupine.Operation
}

func (h *history) now() int64 { return int64(time.Since(h.began)) }

func (h *history) add(in asking, call int64, answer int, ret int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, porcupine.Operation{ClientId: in.by, Input: in, Call: call, Output: answer, Return: ret})
}

// TestWhatIsAnsweredIsAHistory has connections to two gateways, by every way in, take, look
// at and release the same locks, and end, some with something on its way, while workers
// come and go: and looks for an order in which all of the answers are true.
func TestWhatIsAnsweredIsAHistory(t *testing.T) {
	const callers, steps, outages = 6, 80, 2
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	s := clienttest.New(t)
	h := &history{doors: []*door{openCluster(t, s), openCluster(t, s)}, began: time.Now()}
	for i, realm := range []string{"lockd", "lockd-shared"} {
		h.seen[i] = s.Client(&client.Options{Realm: realm})
	}
	var done sync.WaitGroup
	for i := range callers {
		call := ways[[]string{"tcp", "unix", "websocket"}[i%3]]
		c := &historian{history: h, t: t, connect: func() caller { return call(t, h.doors[i%2]) }, rand: rand.New(rand.NewPCG(seed, uint64(i)))}
		done.Go(func() { c.live(steps) })
	}
	for i := range outages {
		for h.steps.Load() < int64((i+1)*callers*steps/(outages+1)) {
			time.Sleep(time.Millisecond)
		}
		s.StopWorker()
		s.StartWorker()
	}
	done.Wait()
	if result, _ := porcupine.CheckOperationsVerbose(locksModel, h.all, never); result != porcupine.Ok {
		slices.SortFunc(h.all, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
		for _, o := range h.all {
			t.Logf("%9.3f %9.3f %v %d", float64(o.Call)/1e6, float64(o.Return)/1e6, o.Input, o.Output)
		}
		t.Error(result)
	}
}

// historian is a caller with one connection after the other.
type historian struct {
	*history
	t       *testing.T
	connect func() caller
	rand    *rand.Rand
	by      int
	held    map[string]bool // locks of which it is not certain that it does not hold them
}

// live asks so many times.
func (c *historian) live(steps int) {
	defer func() { c.steps.Add(int64(steps)) }() // also if it fails
	for left := steps; left > 0 && !c.t.Failed(); {
		connection := c.connect()
		c.by, c.held = int(c.conns.Add(1)-1), map[string]bool{}
		address := addressOf(c.t, connection)
		for some := 1 + c.rand.IntN(40); some > 0 && left > 0; some, left = some-1, left-1 {
			if err := c.ask(connection); err != nil {
				c.t.Error(err)
				return
			}
			c.steps.Add(1)
		}
		c.leave(connection, address)
	}
}

// some is any command about any lock.
func (c *historian) some() (in asking, command string) {
	in = asking{by: c.by, command: []string{"g", "r", "i", "sg", "sr", "si"}[c.rand.IntN(6)]}
	name := string(rune('a' + c.rand.IntN(2)))
	in.lock = strings.TrimRight(in.command, "gri") + " " + name
	return in, in.command + " " + name
}

// ask asks something and writes down the answer.
func (c *historian) ask(connection caller) error {
	in, command := c.some()
	call := c.now()
	n, err := number(c.t, connection, command)
	if err != nil {
		return err
	}
	c.add(in, call, n, c.now())
	switch in.command {
	case "g", "sg":
		c.held[in.lock] = n > 0
	case "r", "sr":
		c.held[in.lock] = false
	}
	return nil
}

// leave ends the connection, perhaps with a command on its way, and waits until what it
// held for certain is released.
func (c *historian) leave(connection caller, address string) {
	var unsure string
	call := c.now()
	if c.rand.IntN(2) == 0 {
		in, command := c.some()
		connection.send(c.t, command)
		c.add(in, call, unheard, math.MaxInt64)
		unsure = in.lock
	}
	if s, ok := connection.(*streamed); ok && c.rand.IntN(2) == 0 {
		if tcp, ok := s.Conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // it may be closed
		}
	}
	call = c.now()
	connection.hangUp()
	for lock, held := range c.held {
		if held && lock != unsure {
			c.released(lock, address)
			c.add(asking{c.by, leaving, lock}, call, 0, c.now())
		}
	}
	if unsure != "" {
		c.add(asking{c.by, leaving, unsure}, call, 0, math.MaxInt64)
	}
}

// released waits until a connection holds a lock no more.
func (c *historian) released(lock, address string) {
	kind, name, _ := strings.Cut(lock, " ")
	seen := c.seen[len(kind)] // "s" is shared
	for {
		states, err := seen.Inspect(c.t.Context(), name)
		if err != nil {
			c.t.Error(err)
			return
		}
		if !slices.ContainsFunc(states[0].Holders, func(h client.Holder) bool { return h.Client == address }) {
			return
		}
	}
}

// number sends a command and returns the number that its reply begins with.
func number(t *testing.T, c caller, command string) (n int, err error) {
	var line string
	switch c := c.(type) {
	case *streamed:
		if _, err := fmt.Fprintln(c, command); err != nil {
			return 0, err
		}
		line, err = c.in.ReadString('\n')
	case *framed:
		if err := c.Write(t.Context(), websocket.MessageText, []byte(command)); err != nil {
			return 0, err
		}
		var text []byte
		_, text, err = c.Read(t.Context())
		line = string(text)
	}
	if err == nil {
		_, err = fmt.Sscan(line, &n)
	}
	return n, err
}
