package embedded

import "testing"

func TestAPartOfTheDiskIsKeptFree(t *testing.T) {
	for _, test := range []struct{ size, free, room int64 }{
		{1 << 40, 10 << 30, 10<<30 - 128<<20},
		{1 << 40, 1 << 20, 0},
		{80 << 20, 30 << 20, 20 << 20},
	} {
		if room := diskRoom(test.size, test.free); room != test.room {
			t.Errorf("%d free of %d: %d, want %d", test.free, test.size, room, test.room)
		}
	}
}
