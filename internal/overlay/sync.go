package overlay

// The edits of package sync: each operation gets a name in lower case, and a tag is added to what locks carry. The operations by
// their old names are in _std/sync. The mutex inside a RWMutex or a Once is not watched, only what it is part of is.

var syncEdits = []edit{
	{"sync/mutex.go", "\tmu isync.Mutex\n}", "\tmu isync.Mutex\n\n\ttag engine.Tag\n}"},
	{"sync/mutex.go", "\tisync \"internal/sync\"\n", "\tengine \"internal/runtime\"\n\tisync \"internal/sync\"\n"},
	{"sync/mutex.go", "func (m *Mutex) Lock() {", "func (m *Mutex) lock() {"},
	{"sync/mutex.go", "func (m *Mutex) TryLock() bool {", "func (m *Mutex) tryLock() bool {"},
	{"sync/mutex.go", "func (m *Mutex) Unlock() {", "func (m *Mutex) unlock() {"},

	{"sync/rwmutex.go", "func (rw *RWMutex) RLock() {", "func (rw *RWMutex) rLock() {"},
	{"sync/rwmutex.go", "func (rw *RWMutex) TryRLock() bool {", "func (rw *RWMutex) tryRLock() bool {"},
	{"sync/rwmutex.go", "func (rw *RWMutex) RUnlock() {", "func (rw *RWMutex) rUnlock() {"},
	{"sync/rwmutex.go", "func (rw *RWMutex) Lock() {", "func (rw *RWMutex) lock() {"},
	{"sync/rwmutex.go", "func (rw *RWMutex) TryLock() bool {", "func (rw *RWMutex) tryLock() bool {"},
	{"sync/rwmutex.go", "func (rw *RWMutex) Unlock() {", "func (rw *RWMutex) unlock() {"},
	{"sync/rwmutex.go", "\trw.w.Lock()\n", "\trw.w.lock()\n"},
	{"sync/rwmutex.go", "\tif !rw.w.TryLock() {", "\tif !rw.w.tryLock() {"},
	{"sync/rwmutex.go", "\t\trw.w.Unlock()\n\t\tif race.Enabled", "\t\trw.w.unlock()\n\t\tif race.Enabled"},
	{"sync/rwmutex.go", "\t// Allow other writers to proceed.\n\trw.w.Unlock()\n", "\t// Allow other writers to proceed.\n\trw.w.unlock()\n"},
	{"sync/rwmutex.go", "func (r *rlocker) Lock()   { (*RWMutex)(r).RLock() }\n", ""},
	{"sync/rwmutex.go", "func (r *rlocker) Unlock() { (*RWMutex)(r).RUnlock() }\n", ""},

	{"sync/cond.go", "\tchecker copyChecker\n", "\tchecker copyChecker\n\n\ttag engine.Tag\n"},
	{"sync/cond.go", "import (\n", "import (\n\tengine \"internal/runtime\"\n"},
	{"sync/cond.go", "func (c *Cond) Wait() {", "func (c *Cond) wait() {"},
	{"sync/cond.go", "func (c *Cond) Signal() {", "func (c *Cond) signal() {"},
	{"sync/cond.go", "func (c *Cond) Broadcast() {", "func (c *Cond) broadcast() {"},

	{"sync/waitgroup.go", "\tsema  uint32\n", "\tsema  uint32\n\n\ttag engine.Tag\n"},
	{"sync/waitgroup.go", "\t\"internal/race\"\n", "\t\"internal/race\"\n\tengine \"internal/runtime\"\n"},
	{"sync/waitgroup.go", "func (wg *WaitGroup) Add(delta int) {", "func (wg *WaitGroup) add(delta int) {"},
	{"sync/waitgroup.go", "func (wg *WaitGroup) Wait() {", "func (wg *WaitGroup) wait() {"},
	{"sync/waitgroup.go", "\twg.Add(1)\n\tgo func() {\n", "\twg.Add(1)\n\tgo func() {\n\t\twg.owe()\n"},

	{"sync/once.go", "func (o *Once) doSlow(f func()) {", "func (o *Once) do(f func()) {"},
	{"sync/once.go", "\to.m.Lock()\n\tdefer o.m.Unlock()\n", "\to.m.lock()\n\tdefer o.m.unlock()\n"},
}

// testingEdits tell that this is a test binary, and when a test has taken too long, before its binary panics about it.
var testingEdits = []edit{
	{"testing/testing.go", "\tm.timer = time.AfterFunc(*timeout, func() {\n", "\tm.timer = time.AfterFunc(*timeout, func() {\n\t\tsync.WitnessTimeout()\n"},
	{"testing/testing.go", "\treturn &M{\n", "\tsync.WitnessTesting()\n\treturn &M{\n"},
}
