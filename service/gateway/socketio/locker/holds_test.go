package locker

import (
	"fmt"
	"testing"
)

func TestSoManyHoldsAreRemembered(t *testing.T) {
	var hs holds
	for i := range maxHolds + 10 {
		hs.note(fmt.Sprint(i), hold{})
		hs.note(fmt.Sprint(i), hold{tried: true})
	}
	if newest, own := hs[fmt.Sprint(maxHolds+9)]; len(hs) != maxHolds || !own || !newest.tried {
		t.Errorf("%d are remembered, the newest: %v", len(hs), own)
	}
}
