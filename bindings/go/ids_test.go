package reels

import (
	"context"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"
)

func newTestIDs(t testing.TB, options IDOptions) *IDGenerator {
	t.Helper()
	lib, err := NewCtx(CtxOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ids, err := NewIDGenerator(background, lib, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ids.Close()
		lib.Close()
	})
	return ids
}

func TestIDAscendsAndSaysWhereAndWhen(t *testing.T) {
	ids := newTestIDs(t, IDOptions{Region: 3, Node: 7})
	first, err := ids.Next(background)
	must(t, err)
	second, err := ids.Next(background)
	must(t, err)
	if second <= first {
		t.Fatal("IDs do not ascend")
	}
	parts, err := SplitID(nil, first)
	must(t, err)
	equal(t, parts.Region, 3)
	equal(t, parts.Node, 7)
	if age := time.Since(parts.Time); age < -time.Second || age > 5*time.Second {
		t.Fatal("the ID is of another time:", parts.Time)
	}
}

func TestIDBatchFillsTheCallersSlice(t *testing.T) {
	ids := newTestIDs(t, IDOptions{})
	room := make([]uint64, 1002)
	must(t, ids.NextMany(background, room[1:1001]))
	equal(t, room[0], 0)
	equal(t, room[1001], 0)
	for i := 2; i < 1001; i++ {
		if room[i] <= room[i-1] {
			t.Fatal("IDs do not ascend at", i)
		}
	}
	want(t, ids.NextMany(background, make([]uint64, IDBatchMax+1)), ErrInvalidArg)
}

func TestIDGoroutinesNeverShareAnID(t *testing.T) {
	ids := newTestIDs(t, IDOptions{})
	var group sync.WaitGroup
	rooms := make([][5000]uint64, 4)
	for i := range rooms {
		group.Add(1)
		go func(room []uint64) {
			defer group.Done()
			if err := ids.NextMany(background, room); err != nil {
				t.Error(err)
			}
		}(rooms[i][:])
	}
	group.Wait()
	seen := map[uint64]bool{}
	for i := range rooms {
		for _, id := range rooms[i] {
			seen[id] = true
		}
	}
	equal(t, len(seen), 20000)
}

func TestIDTextSortsAndReadsBack(t *testing.T) {
	ids := newTestIDs(t, IDOptions{})
	room, texts := make([]uint64, 100), make([]string, 100)
	must(t, ids.NextMany(background, room))
	for i, id := range room {
		texts[i] = IDText(id)
		back, err := ParseID(texts[i])
		must(t, err)
		equal(t, back, id)
	}
	if !sort.StringsAreSorted(texts) {
		t.Fatal("texts do not sort as their numbers")
	}
	for _, wrong := range []string{"", "x", texts[0] + "0", strings.ToLower(texts[0]), "ZZZZZZZZZZZZZ", "0\x00"} {
		_, err := ParseID(wrong)
		want(t, err, ErrCorrupt)
	}
}

func TestIDRangeAndLayout(t *testing.T) {
	layout := &IDLayout{TimeBits: 41, NodeBits: 4, SequenceBits: 8}
	ids := newTestIDs(t, IDOptions{Node: 9, Layout: layout})
	id, err := ids.Next(background)
	must(t, err)
	if id >= 1<<53 {
		t.Fatal("the layout was not used")
	}
	firstID, lastID, err := IDRange(layout, time.Now().Add(-time.Minute), time.Now().Add(time.Minute))
	must(t, err)
	if id < firstID || id > lastID {
		t.Fatal("the ID lies outside its range")
	}
	_, _, err = IDRange(nil, time.Now(), time.Now().Add(-time.Minute))
	want(t, err, ErrInvalidArg)
}

func TestIDStateFileRefusesASecondHolder(t *testing.T) {
	lib := newTestCtx(t)
	options := IDOptions{StateFile: filepath.Join(t.TempDir(), "ids")}
	ids, err := NewIDGenerator(background, lib, options)
	must(t, err)
	before, err := ids.Next(background)
	must(t, err)
	_, err = NewIDGenerator(background, lib, options)
	want(t, err, ErrBusy)
	must(t, ids.Close())
	ids, err = NewIDGenerator(background, lib, options)
	must(t, err)
	defer ids.Close()
	after, err := ids.Next(background)
	must(t, err)
	if after <= before {
		t.Fatal("an ID came again")
	}
}

func TestIDContextEndsABatch(t *testing.T) {
	ids := newTestIDs(t, IDOptions{})
	room := make([]uint64, IDBatchMax) // 256 ms of sequence numbers
	err := ids.NextMany(within(t, 10*time.Millisecond), room)
	want(t, err, context.DeadlineExceeded)
	ctx, cancel := context.WithCancel(background)
	time.AfterFunc(10*time.Millisecond, cancel)
	err = ids.NextMany(ctx, room)
	want(t, err, context.Canceled)
	want(t, err, ErrCancelled)
	want(t, ids.NextMany(ctx, room[:1]), context.Canceled)
}

// The clock bounds a node to 4,096 IDs in a millisecond: the cost is measured with a longer sequence.
func BenchmarkNextMany(b *testing.B) {
	layout := &IDLayout{TimeBits: 37, NodeBits: 4, SequenceBits: 22, Epoch: time.Unix(1735689600, 0)}
	for _, size := range []int{1, 64, 1024, 65536} {
		b.Run(map[int]string{1: "1", 64: "64", 1024: "1024", 65536: "65536"}[size], func(b *testing.B) {
			ids := newTestIDs(b, IDOptions{Layout: layout})
			room := make([]uint64, size)
			b.ResetTimer()
			started := time.Now()
			for i := 0; i < b.N; i++ {
				if err := ids.NextMany(background, room); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(time.Since(started).Nanoseconds())/float64(b.N)/float64(size), "ns/id")
		})
	}
}
