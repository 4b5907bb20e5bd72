package debughttp_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/debughttp"
)

// A mux of one's own, and what a client reads from it.
func ExampleHandler() {
	lwkt.SetRecording(true)
	defer lwkt.SetRecording(false)
	mux := http.NewServeMux()
	mux.Handle("/debug/lwkt/", debughttp.Handler())

	var ledger lwkt.Mtx
	ledger.Init("ledger", 0)
	lwkt.Run("clerk", func(td *lwkt.Thread) {
		ledger.Lock(td)
		defer ledger.Unlock(td)

		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", "/debug/lwkt/show-locks?format=json", nil))
		var shown struct {
			Locks []struct{ Lock, Mode, Thread string }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &shown); err != nil {
			fmt.Println(err)
		}
		for _, l := range shown.Locks {
			fmt.Println(l.Lock, l.Mode)
		}
	})
	// Output: mutex "ledger" exclusive
}
