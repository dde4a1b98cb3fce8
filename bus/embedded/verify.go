package embedded

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minio/highwayhash"
)

// The layout of a record in a block file of nats-server: length (its top bit
// says that there are headers), sequence, time and length of the subject, then
// subject, length of the headers, headers and body, then a checksum over all
// but the lengths.
const (
	recordHead  = 22
	recordCheck = highwayhash.Size64
	headersBit  = 1 << 31
	maxRecord   = 32 << 20
)

// verify refuses a data directory with damaged files before the server can touch
// them: it would drop a damaged record, with all that follow in its file, and a
// stream without readable settings, and go on as if the locks in them were free.
//
// The end of the newest file may be torn: that is what a crash leaves of a write
// that nobody was told of. grace allows for what sync says may be lost: damage
// in files that were written so shortly before the newest; 0 allows for none.
func (d *dataDir) verify(grace time.Duration) error {
	streams := filepath.Join(jetStreamDir(d.path), Account, "streams")
	dirs, err := os.ReadDir(streams)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("data directory %s cannot be read: %w", d.path, err)
	}
	for _, dir := range dirs {
		if !dir.IsDir() || strings.HasPrefix(dir.Name(), ".") {
			continue // left over from a deletion
		}
		path := filepath.Join(streams, dir.Name())
		err := verifySettings(path, dir.Name())
		if err == nil {
			err = verifyBlocks(path, dir.Name(), grace)
		}
		if err != nil {
			return fmt.Errorf("data directory %s is damaged: %w; restore it from a copy, or move %s away to begin without its locks", d.path, err, path)
		}
	}
	return nil
}

// verifySettings checks the settings of a stream against their checksum.
func verifySettings(path, stream string) error {
	settings, err := os.ReadFile(filepath.Join(path, "meta.inf"))
	if err != nil {
		return err
	}
	sum, err := os.ReadFile(filepath.Join(path, "meta.sum"))
	if err != nil {
		return err
	}
	key := sha256.Sum256([]byte(stream))
	h, err := highwayhash.NewDigest64(key[:])
	if err != nil {
		return err
	}
	h.Write(settings)
	if hex.EncodeToString(h.Sum(nil)) != string(sum) {
		return fmt.Errorf("%s does not match its checksum", filepath.Join(path, "meta.inf"))
	}
	return nil
}

// block is one file of records.
type block struct {
	path    string
	index   int
	written time.Time
}

func verifyBlocks(path, stream string, grace time.Duration) error {
	blocks, err := listBlocks(filepath.Join(path, "msgs"))
	if err != nil {
		return err
	}
	for i, b := range blocks {
		newest := blocks[len(blocks)-1]
		data, err := os.ReadFile(b.path)
		if err != nil {
			return err
		}
		records, err := newRecords(stream, b.index)
		if err != nil {
			return err
		}
		end := records.intact(data)
		switch {
		case end == len(data):
		case i == len(blocks)-1 && !records.follow(data[end+1:]):
		case grace > 0 && newest.written.Sub(b.written) <= grace:
		default:
			return fmt.Errorf("%s has a broken record at byte %d", b.path, end)
		}
	}
	return nil
}

func listBlocks(dir string) ([]block, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var blocks []block
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), ".blk")
		index, err := strconv.Atoi(name)
		if !ok || err != nil {
			continue
		}
		info, err := f.Info()
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, block{path: filepath.Join(dir, f.Name()), index: index, written: info.ModTime()})
	}
	slices.SortFunc(blocks, func(a, b block) int { return cmp.Compare(a.index, b.index) })
	return blocks, nil
}

// records reads the records of one block.
type records struct {
	hash *highwayhash.Digest64
	sum  [recordCheck]byte
}

func newRecords(stream string, index int) (*records, error) {
	key := sha256.Sum256(fmt.Appendf(nil, "%s-%d", stream, index))
	hash, err := highwayhash.NewDigest64(key[:])
	return &records{hash: hash}, err
}

// intact is where the first broken record begins, or the end.
func (r *records) intact(data []byte) int {
	at := 0
	for at < len(data) {
		n := r.record(data[at:])
		if n == 0 {
			break
		}
		at += n
	}
	return at
}

// follow tells whether there is any whole record in data, at whatever byte: if
// so, what is broken before it is not the end of the file.
func (r *records) follow(data []byte) bool {
	for at := range data {
		if r.record(data[at:]) > 0 {
			return true
		}
	}
	return false
}

// record is the length of the record that data begins with; 0 if it is broken.
func (r *records) record(data []byte) int {
	if len(data) < recordHead+recordCheck {
		return 0
	}
	length := binary.LittleEndian.Uint32(data)
	n := int(length &^ headersBit)
	subject := int(binary.LittleEndian.Uint16(data[20:]))
	skip := 0 // bytes between subject and headers that are not in the checksum
	if length&headersBit != 0 {
		skip = 4
	}
	if n > maxRecord || n > len(data) || n < recordHead+subject+skip+recordCheck {
		return 0
	}
	body := data[recordHead : n-recordCheck]
	r.hash.Reset()
	r.hash.Write(data[4:20])
	r.hash.Write(body[:subject])
	r.hash.Write(body[subject+skip:])
	if !bytes.Equal(r.hash.Sum(r.sum[:0]), data[n-recordCheck:n]) {
		return 0
	}
	return n
}
