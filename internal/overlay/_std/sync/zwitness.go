// The witness below package sync: who is calling, and what it knows about goroutines. lwkt's witness adds this file and those with
// the same beginning; package sync's own operations have their names in lower case beside them. What all of this tells the engine
// is said in the engine's package comment.
package sync

import (
	engine "internal/runtime"

	"internal/race"
	"internal/runtime/exithook"
	"runtime"
	"unsafe"
)

// witnessOn says whether locks are watched: always, unless the environment says no when the program starts.
var witnessOn bool

// witnesses is the engine of this program.
var witnesses *engine.Engine

func init() {
	if runtime.WitnessGetenv("LWKT_WITNESS") == "off" {
		return
	}
	witnesses = engine.New(engine.Env{
		Weak:   runtime.WitnessWeak,
		Alive:  runtime.WitnessAlive,
		Scans:  runtime.WitnessScans,
		Report: witnessReport,
	}, engine.Options{
		ChanHeld:  runtime.WitnessGetenv("LWKT_WITNESS_CHAN") != "",
		LongTicks: uint32(witnessNumber("LWKT_WITNESS_LONG", 0)),
	})
	witnesses.SetEnabled(true)
	var channels func(unsafe.Pointer, string)
	if runtime.WitnessGetenv("LWKT_WITNESS_CHAN") != "" {
		channels = func(record unsafe.Pointer, what string) {
			witnessHide()
			(*engine.Thread)(record).Chan(what, 0)
			witnessShow()
		}
	}
	runtime.WitnessInit(runtime.WitnessHooks{
		Chan:   channels,
		Start:  witnessStart,
		End:    witnessEnd,
		Unpin:  func(record unsafe.Pointer) { (*engine.Thread)(record).Unpin() },
		Still:  witnesses.Still,
		Watch:  witnessWatch,
		Period: int64(witnessNumber("LWKT_WITNESS_TICK", 1000)) * 1e6,
	})
	exithook.Add(exithook.Hook{F: witnessExit, RunOnFailure: true})
	witnessOn = true
	witnessBegin()
}

// witnessNumber reads a number from the environment.
func witnessNumber(key string, otherwise int) (n int) {
	text := runtime.WitnessGetenv(key)
	if text == "" {
		return otherwise
	}
	for _, c := range []byte(text) {
		if c < '0' || '9' < c || n > 1e8 {
			return otherwise
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// Hide and show bracket every call of the engine: its own synchronization must not look like the program's to the race detector.
func witnessHide() {
	if race.Enabled {
		race.Disable()
	}
}

func witnessShow() {
	if race.Enabled {
		race.Enable()
	}
}

// witnessThread is the record of the calling goroutine.
func witnessThread() *engine.Thread {
	if t := (*engine.Thread)(*runtime.WitnessSlot()); t != nil {
		return t
	}
	return witnessNewThread()
}

// witnessNewThread makes it, at the goroutine's first use of a lock.
func witnessNewThread() *engine.Thread {
	witnessHide()
	from := runtime.WitnessFrom()
	t := witnesses.Thread(*(*engine.Origin)(unsafe.Pointer(&from)), "goroutine "+witnessDecimal(runtime.WitnessID()))
	*runtime.WitnessSlot() = unsafe.Pointer(t)
	witnessShow()
	return t
}

// witnessStart runs on a goroutine that starts another.
func witnessStart(record unsafe.Pointer, mine runtime.WitnessOrigin) runtime.WitnessOrigin {
	witnessHide()
	var o engine.Origin
	if record != nil {
		o = (*engine.Thread)(record).Fork()
	} else {
		o = (*engine.Origin)(unsafe.Pointer(&mine)).Fork()
	}
	var w runtime.WitnessOrigin
	*(*engine.Origin)(unsafe.Pointer(&w)) = o
	witnessShow()
	return w
}

// An Origin is handed through the runtime as the two words that it is.
var _ [unsafe.Sizeof(runtime.WitnessOrigin{}) - unsafe.Sizeof(engine.Origin{})]byte

// witnessEnd runs on a goroutine that ends.
func witnessEnd(record unsafe.Pointer) {
	witnessHide()
	(*engine.Thread)(record).Exit()
	witnessShow()
}

func witnessDecimal(n uint64) string {
	var buf [20]byte
	i := len(buf)
	for {
		i--
		buf[i] = byte('0' + n%10)
		if n /= 10; n == 0 {
			return string(buf[i:])
		}
	}
}
