package bus

import (
	"encoding/json"
	"testing"
)

func TestWhatAnAccountHasLeft(t *testing.T) {
	for _, test := range []struct {
		name, answer string
		memory       bool
		copies       int
		room         uint64
		limited      bool
	}{
		{"no limits", `{"storage":5,"limits":{"max_memory":-1,"max_storage":-1}}`, false, 1, 0, false},
		{"of files", `{"storage":30,"memory":7,"limits":{"max_memory":10,"max_storage":100}}`, false, 1, 70, true},
		{"of memory", `{"storage":30,"memory":7,"limits":{"max_memory":10,"max_storage":100}}`, true, 1, 3, true},
		{"each copy counts", `{"storage":40,"limits":{"max_memory":10,"max_storage":100}}`, false, 3, 20, true},
		{"more than there is", `{"storage":130,"limits":{"max_memory":10,"max_storage":100}}`, false, 1, 0, true},
		{"the limit of a tier is for one copy", `{"storage":9,"limits":{},"tiers":{"R3":{"storage":60,"limits":{"max_memory":0,"max_storage":100}}}}`, false, 3, 80, true},
		{"of another tier", `{"storage":9,"limits":{},"tiers":{"R3":{"storage":60,"limits":{"max_memory":0,"max_storage":100}}}}`, false, 1, 0, false},
		{"an answer without any", `{}`, false, 1, 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var info accountInfo
			if err := json.Unmarshal([]byte(test.answer), &info); err != nil {
				t.Fatal(err)
			}
			if room, limited := info.left(test.memory, test.copies); room != test.room || limited != test.limited {
				t.Errorf("%d left, limited %t; want %d, %t", room, limited, test.room, test.limited)
			}
		})
	}
}
