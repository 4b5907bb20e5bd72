package debughttp_test

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/ddb"
	"github.com/serializing-tokens/lwkt/debughttp"
)

func fetch(t *testing.T, h http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// gives wants a page of a status that says all parts.
func gives(t *testing.T, w *httptest.ResponseRecorder, status int, kind string, parts ...string) {
	t.Helper()
	if w.Code != status || !strings.HasPrefix(w.Header().Get("Content-Type"), kind) {
		t.Errorf("%d %s: %s", w.Code, w.Header(), w.Body)
	}
	for _, p := range parts {
		if !strings.Contains(w.Body.String(), p) {
			t.Errorf("it does not say %q:\n%s", p, w.Body)
		}
	}
}

func TestPages(t *testing.T) {
	lwkt.SetRecording(true)
	defer lwkt.SetRecording(false)
	var m lwkt.Mtx
	m.Init("a <b>", 0)
	h := debughttp.Handler()
	lwkt.Run("one", func(td *lwkt.Thread) {
		m.Lock(td)
		defer m.Unlock(td)
		for _, c := range ddb.Commands() {
			page := "/x/" + strings.ReplaceAll(c.Name, " ", "-")
			gives(t, fetch(t, h, "GET", page), 200, "text/plain")
			w := fetch(t, h, "GET", page+"?format=json")
			gives(t, w, 200, "application/json")
			if !json.Valid(w.Body.Bytes()) {
				t.Error(w.Body)
			}
			gives(t, fetch(t, h, "GET", "/"), 200, "text/html", `href="`+page[3:]+`"`, c.Name)
		}
		gives(t, fetch(t, h, "GET", "/show-locks"), 200, "text/plain", `mutex "a <b>"`, "debughttp_test.go:")
		gives(t, fetch(t, h, "GET", "/run?command=show+all+locks"), 200, "text/plain", `mutex "a <b>"`)
		gives(t, fetch(t, h, "GET", "/run?command=json+show+locks&format=json"), 200, "application/json", `a <b>`)
		gives(t, fetch(t, h, "GET", "/lockchain?thread=one"), 200, "text/plain", "waits for nothing")
	})
	gives(t, fetch(t, h, "GET", "/lockchain?thread=none"), 400, "text/plain", "no living thread")
	gives(t, fetch(t, h, "GET", "/run?command=dance"), 404, "text/plain", "show all locks")
	gives(t, fetch(t, h, "GET", "/show-locks?format=xml"), 400, "text/plain", "json or text")
	gives(t, fetch(t, h, "GET", "/dance"), 404, "text/plain", "index")
	gives(t, fetch(t, h, "POST", "/show-locks"), 405, "text/plain")
	gives(t, fetch(t, h, "GET", "/graph"), 200, "text/html", "<h2>Orders</h2>")
	gives(t, fetch(t, h, "GET", "/graph.dot"), 200, "text/vnd.graphviz", "digraph")
	w := fetch(t, h, "GET", "/graph.svg")
	gives(t, w, 200, "image/svg+xml")
	for d := xml.NewDecoder(w.Body); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestRecordingByPostOnly(t *testing.T) {
	defer lwkt.SetRecording(false)
	h := debughttp.Handler()
	gives(t, fetch(t, h, "GET", "/recording?on=true"), 405, "text/plain", "POST")
	if ddb.Recording() {
		t.Error("a GET has switched it on")
	}
	gives(t, fetch(t, h, "POST", "/recording?on=true", "Sec-Fetch-Site", "cross-site"), 403, "")
	if ddb.Recording() {
		t.Error("another site has switched it on")
	}
	gives(t, fetch(t, h, "POST", "/recording?on=perhaps"), 400, "text/plain", "true or false")
	gives(t, fetch(t, h, "POST", "/recording?on=true"), 200, "text/plain", "recording is on")
	gives(t, fetch(t, h, "GET", "/"), 200, "text/html", "recording is on", "Switch it off")
	gives(t, fetch(t, h, "POST", "/recording?on=false&back=index"), 303, "")
	gives(t, fetch(t, h, "GET", "/"), 200, "text/html", "recording is off", "Switch it on")
}

// TestRegistered goes through a server of the default mux.
func TestRegistered(t *testing.T) {
	s := httptest.NewServer(http.DefaultServeMux)
	defer s.Close()
	r, err := http.PostForm(s.URL+"/debug/lwkt/recording", url.Values{"on": {"false"}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if text, err := io.ReadAll(r.Body); err != nil || string(text) != "recording is off\n" {
		t.Errorf("%v: %s", err, text)
	}
}
