// A report leaves the program at once, as a file of its own in a folder that the command names, so that it is there whatever
// becomes of the program. Without a folder it is printed.
package sync

import (
	engine "internal/runtime"

	isync "internal/sync"
	"runtime"
)

var witnessOut struct {
	mu      isync.Mutex // not watched
	process string      // the beginning of the names of this process's files
	files   int
}

// witnessReport is told of each finding by the engine.
func witnessReport(r *engine.Report) {
	var j witnessJSON
	j.open('{')
	j.number("seq", uint64(r.Seq))
	j.bool("raised", r.Raised)
	j.string("kind", r.Kind.String())
	j.string("severity", r.Severity.String())
	j.string("text", r.Text)
	j.string("note", r.Note)
	j.key("locks")
	j.locks(r.Locks)
	j.key("cycle")
	j.open('[')
	for _, s := range r.Cycle {
		j.open('{')
		j.string("thread", s.Thread.Name)
		j.key("holds")
		j.lock(s.Holds)
		j.key("wants")
		j.lock(s.Wants)
		j.key("also")
		j.locks(s.Also)
		j.bool("now", s.Now)
		j.key("stack")
		j.frames(s.Stack)
		j.close('}')
	}
	j.close(']')
	j.string("thread", r.Thread.Name)
	j.key("stack")
	j.frames(r.Stack)
	j.close('}')
	if !witnessSend(j.buf) {
		runtime.WitnessPrint(append(r.AppendText(nil, nil), '\n'))
	}
}

// witnessBegin tells the command that there is a process.
func witnessBegin() {
	dir := runtime.WitnessGetenv("LWKT_WITNESS_DIR")
	if dir == "" {
		return
	}
	witnessOut.process = witnessDecimal(uint64(runtime.WitnessTime())) + "-" + witnessDecimal(runtime.WitnessRandom()%1e9)
	var j witnessJSON
	j.open('{')
	j.string("program", runtime.WitnessProgram())
	j.close('}')
	runtime.WitnessWrite(dir+"/"+witnessOut.process+"-0.json", j.buf)
}

// witnessSend hands a report to the command.
func witnessSend(text []byte) bool {
	dir := runtime.WitnessGetenv("LWKT_WITNESS_DIR")
	if dir == "" {
		return false
	}
	witnessOut.mu.Lock()
	defer witnessOut.mu.Unlock()
	witnessOut.files++
	return runtime.WitnessWrite(dir+"/"+witnessOut.process+"-"+witnessDecimal(uint64(witnessOut.files))+".json", text)
}

// witnessJSON writes JSON, which package sync cannot import.
type witnessJSON struct {
	buf []byte
}

// comma goes between two elements.
func (j *witnessJSON) comma() {
	if n := len(j.buf); n > 0 {
		switch j.buf[n-1] {
		case '{', '[', ':':
		default:
			j.buf = append(j.buf, ',')
		}
	}
}

func (j *witnessJSON) open(c byte) {
	j.comma()
	j.buf = append(j.buf, c)
}

func (j *witnessJSON) close(c byte) { j.buf = append(j.buf, c) }

func (j *witnessJSON) key(key string) {
	j.comma()
	j.quote(key)
	j.buf = append(j.buf, ':')
}

func (j *witnessJSON) string(key, value string) {
	if value != "" {
		j.key(key)
		j.quote(value)
	}
}

func (j *witnessJSON) number(key string, value uint64) {
	j.key(key)
	j.buf = append(j.buf, witnessDecimal(value)...)
}

func (j *witnessJSON) bool(key string, value bool) {
	if value {
		j.key(key)
		j.buf = append(j.buf, "true"...)
	}
}

func (j *witnessJSON) quote(s string) {
	const hex = "0123456789abcdef"
	j.buf = append(j.buf, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			j.buf = append(j.buf, '\\', c)
		case c < ' ':
			j.buf = append(j.buf, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			j.buf = append(j.buf, c)
		}
	}
	j.buf = append(j.buf, '"')
}

func (j *witnessJSON) locks(list []engine.LockRef) {
	j.open('[')
	for _, l := range list {
		j.lock(l)
	}
	j.close(']')
}

func (j *witnessJSON) lock(l engine.LockRef) {
	j.open('{')
	if l.ID != 0 {
		j.number("id", l.ID.Serial())
	}
	j.string("name", l.Name)
	j.string("mode", l.Mode.String())
	if l.Site != 0 {
		pcs := [1]uintptr{l.Site}
		f, found := runtime.Frame{}, false
		for frames := runtime.CallersFrames(pcs[:]); ; { // the innermost line that is not ours
			g, more := frames.Next()
			if !found && g.Function != "" && witnessPackage(g.Function) != "sync" {
				f, found = g, true
			}
			if !more {
				break
			}
		}
		if found {
			j.key("site")
			j.frame(f)
		}
	}
	j.close('}')
}

// frames writes a stack.
func (j *witnessJSON) frames(pcs []uintptr) {
	j.open('[')
	witnessFrames(pcs, j.frame)
	j.close(']')
}

// witnessFrames calls f for the frames of a stack without the part of it that is ours.
func witnessFrames(pcs []uintptr, do func(f runtime.Frame)) {
	if len(pcs) == 0 {
		return
	}
	inside := true
	for frames := runtime.CallersFrames(pcs); ; {
		f, more := frames.Next()
		if pkg := witnessPackage(f.Function); f.Function != "" && !(inside && (pkg == "sync" || pkg == "internal/runtime" || pkg == "internal/sync" || pkg == "runtime")) {
			inside = false
			if f.Function != "runtime.goexit" && f.Function != "runtime.main" {
				do(f)
			}
		}
		if !more {
			return
		}
	}
}

func (j *witnessJSON) frame(f runtime.Frame) {
	j.open('{')
	j.string("func", f.Function)
	j.string("file", f.File)
	j.number("line", uint64(f.Line))
	j.close('}')
}

// witnessGraph hands the orders that were seen to the command, if it asks for them.
func witnessGraph() {
	dir := runtime.WitnessGetenv("LWKT_WITNESS_DIR")
	if dir == "" || runtime.WitnessGetenv("LWKT_WITNESS_GRAPH") == "" {
		return
	}
	var j witnessJSON
	j.open('[')
	for _, e := range witnesses.Graph() {
		j.open('{')
		j.string("from", e.FromName)
		j.string("to", e.ToName)
		j.number("count", uint64(max(e.Count, 0)))
		j.bool("wrong", e.Wrong)
		j.close('}')
	}
	j.close(']')
	runtime.WitnessWrite(dir+"/"+witnessDecimal(uint64(runtime.WitnessTime()))+"-"+witnessDecimal(runtime.WitnessRandom()%1e9)+".graph", j.buf)
}
