package bus

import (
	"fmt"
	"strings"
	"time"
)

// streamInfo is the answer of the JetStream API about a stream.
type streamInfo struct {
	Error  *apiError    `json:"error"`
	Config streamConfig `json:"config"`
}

// streamConfig has the settings of a stream that matter to locks, by the names
// of the JetStream API.
type streamConfig struct {
	Name              string        `json:"name"`
	Subjects          []string      `json:"subjects"`
	Retention         string        `json:"retention"`
	Discard           string        `json:"discard"`
	Storage           string        `json:"storage"`
	PersistMode       string        `json:"persist_mode,omitempty"`
	Replicas          int           `json:"num_replicas"`
	MaxMsgsPerSubject int64         `json:"max_msgs_per_subject"`
	MaxMsgs           int64         `json:"max_msgs"`
	MaxBytes          int64         `json:"max_bytes"`
	MaxAge            time.Duration `json:"max_age"`
	MaxMsgSize        int64         `json:"max_msg_size"`
	MaxConsumers      int           `json:"max_consumers"`
	FirstSeq          uint64        `json:"first_seq,omitempty"`
	MarkerTTL         time.Duration `json:"subject_delete_marker_ttl,omitempty"`
	NoAck             bool          `json:"no_ack,omitempty"`
	Sealed            bool          `json:"sealed,omitempty"`
	AllowRollup       bool          `json:"allow_rollup_hdrs"`
	DenyDelete        bool          `json:"deny_delete"`
	AllowDirect       bool          `json:"allow_direct"`
	AllowMsgTTL       bool          `json:"allow_msg_ttl"`
	AllowAtomic       bool          `json:"allow_atomic"`
	AllowCounter      bool          `json:"allow_msg_counter,omitempty"`
	Mirror            any           `json:"mirror,omitempty"`
	Sources           []any         `json:"sources,omitempty"`
	Transform         any           `json:"subject_transform,omitempty"`
}

// want is the stream as OpenBucket creates it.
func (b *Bucket) want() streamConfig {
	return streamConfig{
		Name:              b.stream,
		Subjects:          []string{b.prefix + ">"},
		Retention:         "limits",
		Discard:           "new",
		Storage:           b.storage(),
		Replicas:          b.cfg.Replicas,
		MaxMsgsPerSubject: 1,
		MaxMsgs:           -1,
		MaxBytes:          -1,
		MaxMsgSize:        -1,
		MaxConsumers:      -1,
		FirstSeq:          b.cfg.FirstSeq,
		AllowRollup:       true,
		DenyDelete:        true,
		AllowMsgTTL:       true,
		AllowAtomic:       true,
	}
}

func (b *Bucket) storage() string {
	if b.cfg.Memory {
		return "memory"
	}
	return "file"
}

// A fault is one setting of a stream that would break locks.
type fault struct {
	setting   string
	is, must  string
	mend, why string // mend is a flag of "nats stream edit"; "" if it cannot be edited
}

// check refuses a stream whose settings would break locks, naming all that are wrong.
func (b *Bucket) check(c streamConfig) error {
	faults := b.faults(c)
	if len(faults) == 0 {
		return nil
	}
	var says, flags []string
	editable := true
	for _, f := range faults {
		says = append(says, fmt.Sprintf("%s is %s and must be %s (%s)", f.setting, f.is, f.must, f.why))
		if f.mend == "" {
			editable = false
		}
		flags = append(flags, f.mend)
	}
	mend := "nats stream edit " + b.stream + " " + strings.Join(flags, " ")
	if !editable {
		mend = "this cannot be changed later: stop all workers and let natslock make it anew, after: nats stream rm " + b.stream
	}
	return fmt.Errorf("the stream %s is not fit for locks: %s; to mend it: %s", b.stream, strings.Join(says, "; "), mend)
}

// faults lists what is wrong with the settings.
func (b *Bucket) faults(c streamConfig) []fault {
	var faults []fault
	must := func(ok bool, f fault) {
		if !ok {
			faults = append(faults, f)
		}
	}
	subject := b.prefix + ">"
	must(len(c.Subjects) == 1 && c.Subjects[0] == subject, fault{"subjects", strings.Join(c.Subjects, ","), subject, "--subjects='" + subject + "'", "keys live there and nothing else does"})
	must(c.Storage == b.storage(), fault{"storage", c.Storage, b.storage(), "", "decides what a restart loses"})
	must(c.Retention == "limits", fault{"retention", c.Retention, "limits", "", "others drop records that were read"})
	must(c.PersistMode == "" || c.PersistMode == "default", fault{"persist_mode", c.PersistMode, "default", "", "async acknowledges what is not stored"})
	must(!c.Sealed, fault{"sealed", "true", "false", "", "nothing could be stored"})
	must(c.Mirror == nil, fault{"mirror", "set", "unset", "", "a copy cannot decide"})
	must(len(c.Sources) == 0, fault{"sources", "set", "unset", "", "others would write past the compare-and-set"})
	must(c.Transform == nil, fault{"subject_transform", "set", "unset", "", "keys would move"})
	must(!c.AllowCounter, fault{"allow_msg_counter", "true", "false", "", "counters refuse compare-and-set"})
	must(!c.NoAck, fault{"no_ack", "true", "false", "--ack", "no outcome would be known"})
	must(c.MaxMsgsPerSubject == 1, fault{"max_msgs_per_subject", fmt.Sprint(c.MaxMsgsPerSubject), "1", "--max-msgs-per-subject=1", "an older record would come back when a newer one is dropped"})
	must(c.Discard == "new", fault{"discard", c.Discard, "new", "--discard=new", "old drops records of other locks"})
	must(c.MaxMsgs <= 0, fault{"max_msgs", fmt.Sprint(c.MaxMsgs), "-1", "--max-msgs=-1", "a full bucket could not even release"})
	must(c.MaxBytes <= 0, fault{"max_bytes", fmt.Sprint(c.MaxBytes), "-1", "--max-bytes=-1", "a full bucket could not even release"})
	must(c.MaxAge == 0, fault{"max_age", c.MaxAge.String(), "0s", "--max-age=0s", "held locks would be dropped"})
	must(c.MaxMsgSize <= 0 || c.MaxMsgSize >= minMsgSize, fault{"max_msg_size", fmt.Sprint(c.MaxMsgSize), "-1", "--max-msg-size=-1", "records with many waiters would not fit"})
	must(c.MarkerTTL == 0, fault{"subject_delete_marker_ttl", c.MarkerTTL.String(), "0s", "--subject-del-markers-ttl=0s", "a marker wipes a record that was renewed meanwhile"})
	must(c.AllowMsgTTL, fault{"allow_msg_ttl", "false", "true", "--allow-msg-ttl", "used names would stay for ever"})
	must(c.AllowAtomic, fault{"allow_atomic", "false", "true", "--allow-batch", "several names are one atomic batch; needs nats-server 2.12"})
	must(!c.AllowDirect, fault{"allow_direct", "true", "false", "--no-allow-direct", "reads could be old"})
	return faults
}

// minMsgSize is what the largest record needs.
const minMsgSize = 512 << 10
