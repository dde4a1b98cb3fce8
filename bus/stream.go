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
	State  struct {
		Messages uint64 `json:"messages"`
		Bytes    uint64 `json:"bytes"`
		FirstSeq uint64 `json:"first_seq"`
		LastSeq  uint64 `json:"last_seq"`
	} `json:"state"`
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
	DiscardPerSubject bool          `json:"discard_new_per_subject,omitempty"`
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
	setting  string
	is, must any
	mend     string // a flag of "nats stream edit"; "" if it cannot be edited
	why      string
}

// check refuses a stream that would break locks, naming all that is wrong with
// it, and a server that takes only small messages.
func (b *Bucket) check(info streamInfo) error {
	if limit := b.nc.MaxPayload(); limit < MinPayload {
		return fmt.Errorf("the server is not fit for locks: max_payload is %d and must be %d or more (records and answers with many waiters do not fit)", limit, MinPayload)
	}
	faults := append(b.shape(info), b.limits(info.Config)...)
	faults = append(faults, b.features(info.Config)...)
	if len(faults) == 0 {
		return nil
	}
	var says, flags []string
	editable := true
	for _, f := range faults {
		says = append(says, fmt.Sprintf("%s is %v and must be %v (%s)", f.setting, f.is, f.must, f.why))
		flags = append(flags, f.mend)
		editable = editable && f.mend != ""
	}
	mend := "nats stream edit " + b.stream + " " + strings.Join(flags, " ")
	if !editable {
		mend = "stop all workers and let natslock make it anew, without its locks, after: nats stream rm " + b.stream
	}
	return fmt.Errorf("the stream %s is not fit for locks: %s; to mend it: %s", b.stream, strings.Join(says, "; "), mend)
}

// need lists the fault unless ok.
func need(faults *[]fault, ok bool, f fault) {
	if !ok {
		*faults = append(*faults, f)
	}
}

// shape lists what is wrong with what the stream is.
func (b *Bucket) shape(info streamInfo) (faults []fault) {
	c, subject := info.Config, b.prefix+">"
	is := strings.Join(c.Subjects, ",")
	need(&faults, is == subject, fault{"subjects", is, subject, "--subjects='" + subject + "'", "keys are there and nothing else is"})
	need(&faults, c.Storage == b.storage(), fault{"storage", c.Storage, b.storage(), "", "it decides what a restart loses"})
	need(&faults, c.Retention == "limits", fault{"retention", c.Retention, "limits", "", "others drop what was read"})
	need(&faults, c.PersistMode == "" || c.PersistMode == "default", fault{"persist_mode", c.PersistMode, "default", "", "it acknowledges what is not stored"})
	need(&faults, !c.Sealed, fault{"sealed", true, false, "", "nothing can be stored"})
	need(&faults, c.Mirror == nil, fault{"mirror", "set", "unset", "", "a copy cannot decide"})
	need(&faults, len(c.Sources) == 0, fault{"sources", "set", "unset", "", "others write without compare-and-set"})
	need(&faults, c.Transform == nil, fault{"subject_transform", "set", "unset", "--no-transform", "it moves keys"})
	need(&faults, !c.AllowCounter, fault{"allow_msg_counter", true, false, "", "counters refuse compare-and-set"})
	next, least := info.State.LastSeq+1, min(b.cfg.FirstSeq, seqAt(built))
	need(&faults, next >= least, fault{"the next revision", next, fmt.Sprint(least, " or more"), "", "a token of an earlier store could be given again"})
	need(&faults, next < maxRevision, fault{"the next revision", next, fmt.Sprint("less than ", uint64(maxRevision)), "", "tokens do not fit into 53 bits: it was made by a clock far ahead"})
	return faults
}

// limits lists the limits that would drop or refuse records.
func (b *Bucket) limits(c streamConfig) (faults []fault) {
	const full = "a full bucket cannot even release"
	need(&faults, c.MaxMsgsPerSubject == 1, fault{"max_msgs_per_subject", c.MaxMsgsPerSubject, 1, "--max-msgs-per-subject=1", "an older record comes back when the newest is dropped"})
	need(&faults, c.Discard == "new", fault{"discard", c.Discard, "new", "--discard=new", "it drops records of other locks"})
	need(&faults, !c.DiscardPerSubject, fault{"discard_new_per_subject", true, false, "--no-discard-per-subject", "a record could not be replaced"})
	need(&faults, c.MaxMsgs <= 0, fault{"max_msgs", c.MaxMsgs, -1, "--max-msgs=-1", full})
	need(&faults, c.MaxBytes <= 0, fault{"max_bytes", c.MaxBytes, -1, "--max-bytes=-1", full})
	need(&faults, c.MaxAge == 0, fault{"max_age", c.MaxAge, "0s", "--max-age=0s", "held locks would be dropped"})
	need(&faults, c.MaxMsgSize <= 0 || c.MaxMsgSize >= minMsgSize, fault{"max_msg_size", c.MaxMsgSize, -1, "--max-msg-size=-1", "records with many waiters do not fit"})
	need(&faults, c.MaxConsumers <= 0, fault{"max_consumers", c.MaxConsumers, -1, "", "each worker needs one"})
	return faults
}

// features lists what is on and must be off, or the other way round.
func (b *Bucket) features(c streamConfig) (faults []fault) {
	need(&faults, !c.NoAck, fault{"no_ack", true, false, "--ack", "no outcome would be known"})
	need(&faults, c.MarkerTTL == 0, fault{"subject_delete_marker_ttl", c.MarkerTTL, "0s", "--subject-del-markers-ttl=0s", "a marker wipes a record that was renewed meanwhile"})
	need(&faults, c.AllowMsgTTL, fault{"allow_msg_ttl", false, true, "--allow-msg-ttl", "sessions that have ended would stay for ever"})
	need(&faults, c.AllowAtomic, fault{"allow_atomic", false, true, "--allow-batch", "several names are stored together; needs nats-server 2.12"})
	need(&faults, !c.AllowDirect, fault{"allow_direct", true, false, "--no-allow-direct", "replicas answer with old records"})
	return faults
}

const minMsgSize = 512 << 10 // what the largest record needs

// MinPayload is how large a message a server must take, in bytes: the largest
// answer. None needs more.
const MinPayload = 512<<10 + headerRoom
