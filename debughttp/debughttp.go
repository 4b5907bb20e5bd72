// Package debughttp serves over HTTP what package ddb shows: the locks and tokens of the running program, who waits
// for whom, and what the witness knows. Like net/http/pprof it is imported for its side effect,
//
//	import _ "github.com/serializing-tokens/lwkt/debughttp"
//
// which registers it at /debug/lwkt/ of http.DefaultServeMux; a program that serves another mux does
//
//	mux.Handle("/debug/lwkt/", debughttp.Handler())
//
// With a browser one begins at http://localhost:6060/debug/lwkt/, and with a terminal by
//
//	lwkt ddb localhost:6060
//
// Each command has a page of its own, with dashes for spaces: show-locks, show-all-locks, show-tokens, show-witness,
// lockchain?thread=NAME, sleepq, turnstile. They are text, and with ?format=json JSON. run?command=LINE takes the commands
// as they are typed, and graph, graph.svg and graph.dot are the orders of locks. Recording is switched by POST of
// on=true or on=false to recording; browsers are kept from doing that on behalf of other sites.
//
// Who can reach these pages learns names, addresses and places of the program, and can slow it
// down by recording: serve them to yourself only, as those of net/http/pprof.
package debughttp

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/serializing-tokens/lwkt"
	"github.com/serializing-tokens/lwkt/ddb"
	"github.com/serializing-tokens/lwkt/witness"
)

func init() { http.Handle("/debug/lwkt/", Handler()) }

// Handler returns the pages, to be served below any path that ends in a slash. Requests do not block on locks of
// the program.
func Handler() http.Handler { return http.NewCrossOriginProtection().Handler(http.HandlerFunc(serve)) }

func serve(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	if strings.HasSuffix(r.URL.Path, "/") {
		name = ""
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if name == "recording" {
		record(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only recording is changed by "+r.Method, http.StatusMethodNotAllowed)
		return
	}
	switch name {
	case "":
		index(w)
	case "run":
		run(w, r, r.FormValue("command"))
	case "graph":
		send(w, "text/html; charset=utf-8", func(b io.Writer) error { return witness.Orders().WriteHTML(b, witness.Reports()) })
	case "graph.svg":
		send(w, "image/svg+xml", func(b io.Writer) error { return witness.Orders().WriteSVG(b) })
	case "graph.dot":
		send(w, "text/vnd.graphviz; charset=utf-8", func(b io.Writer) error {
			_, err := io.WriteString(b, witness.Orders().DOT())
			return err
		})
	default:
		for _, c := range ddb.Commands() {
			if page(c) == name {
				run(w, r, c.Name+" "+r.FormValue("thread"))
				return
			}
		}
		http.Error(w, fmt.Sprintf("there is no page %q; the index is at ./", name), http.StatusNotFound)
	}
}

// page is the name of the page of a command.
func page(c ddb.Command) string { return strings.ReplaceAll(c.Name, " ", "-") }

// send writes what f writes, if that does not fail.
func send(w http.ResponseWriter, kind string, f func(b io.Writer) error) {
	var b bytes.Buffer
	if err := f(&b); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Write(b.Bytes()) // if the client is gone, so be it
}

func run(w http.ResponseWriter, r *http.Request, command string) {
	words := strings.Fields(command)
	asJSON := len(words) > 0 && words[0] == "json" || strings.HasSuffix(command, " -json") || strings.Contains(command, " -json ")
	switch f := r.FormValue("format"); f {
	case "json":
		if !asJSON {
			command = "json " + command
		}
		asJSON = true
	case "", "text":
	default:
		http.Error(w, fmt.Sprintf("format is %q, and can be json or text", f), http.StatusBadRequest)
		return
	}
	var b bytes.Buffer
	if err := ddb.Run(&b, command); err != nil {
		status := http.StatusBadRequest
		if errors.Is(err, ddb.ErrUnknown) {
			status = http.StatusNotFound
		}
		http.Error(w, err.Error(), status)
		return
	}
	kind := "text/plain; charset=utf-8"
	if asJSON {
		kind = "application/json"
	}
	send(w, kind, func(out io.Writer) error {
		_, err := b.WriteTo(out)
		return err
	})
}

// record switches recording.
func record(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		http.Error(w, "recording is switched by POST of on=true or on=false", http.StatusMethodNotAllowed)
		return
	}
	on, err := strconv.ParseBool(r.FormValue("on"))
	if err != nil {
		http.Error(w, "on has to be true or false", http.StatusBadRequest)
		return
	}
	lwkt.SetRecording(on)
	if r.FormValue("back") != "" { // a button of the index
		http.Redirect(w, r, "./", http.StatusSeeOther)
		return
	}
	fmt.Fprintln(w, state())
}

func state() string {
	if ddb.Recording() {
		return "recording is on"
	}
	return "recording is off"
}

const head = `<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>/debug/lwkt</title>
<style>
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em}
td{padding:.25em 1.5em .25em 0;vertical-align:top}
code,a.c{font-family:ui-monospace,monospace;white-space:nowrap}
form{display:inline}
</style>
<h1>Locks and tokens</h1>
<table>
`

func index(w http.ResponseWriter) {
	var b strings.Builder
	b.WriteString(head)
	for _, c := range ddb.Commands() {
		fmt.Fprintf(&b, "<tr><td><a class=\"c\" href=\"%s\">%s</a><td><a href=\"%[1]s?format=json\">JSON</a><td>%[3]s\n",
			url.PathEscape(page(c)), html.EscapeString(c.Name), html.EscapeString(c.Summary))
	}
	b.WriteString("<tr><td><a class=\"c\" href=\"graph\">graph</a><td><a href=\"graph.svg\">SVG</a>, <a href=\"graph.dot\">DOT</a>" +
		"<td>the orders of locks as a picture, with the reports of the witness\n</table>\n")
	fmt.Fprintf(&b, "<form action=\"lockchain\"><p><label>The chain of thread <input name=\"thread\" placeholder=\"name or #number\"></label> <button>Show</button></form>\n")
	verb, text := "true", "Switch it on"
	if ddb.Recording() {
		verb, text = "false", "Switch it off"
	}
	fmt.Fprintf(&b, "<p>Now %s. While it is on, holders and the places where they acquired what they hold are known, and each acquisition takes some microseconds; of locks they are known while the witness is on, too.\n"+
		"<form action=\"recording\" method=\"post\"><input type=\"hidden\" name=\"back\" value=\"index\"><button name=\"on\" value=\"%s\">%s</button></form>\n", state(), verb, text)
	enabled := "off; <code>witness.Enable()</code> at the start of the program switches it on"
	if witness.Enabled() {
		enabled = fmt.Sprintf("on, and has reported %d mistakes", len(witness.Reports()))
	}
	fmt.Fprintf(&b, "<p>The witness is %s.\n<p>From a terminal: <code>go run github.com/serializing-tokens/lwkt/cmd/lwkt@latest ddb URL</code>\n</html>\n", enabled)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	io.WriteString(w, b.String())
}
