package overlay

// The edits of the runtime: a word in each goroutine for the witness, told when a goroutine starts, ends or
// waits for a channel, when time passes, and when everything is asleep. What they call is in _std/runtime.

var runtimeEdits = []edit{
	{"runtime/runtime2.go", "\tvalgrindStackID uintptr\n}", "\tvalgrindStackID uintptr\n\n\twitness     unsafe.Pointer // what package sync knows about this goroutine\n\twitnessFrom WitnessOrigin  // and about the one that started it\n}"},

	// A goroutine starts and ends.
	{"runtime/proc.go", "\tnewg.parentGoid = callergp.goid\n", "\tnewg.parentGoid = callergp.goid\n\tnewg.witness, newg.witnessFrom = nil, WitnessOrigin{}\n"},
	{"runtime/proc.go", "\tpc := sys.GetCallerPC()\n\tsystemstack(func() {\n\t\tnewg := newproc1(fn, gp, pc, false, waitReasonZero)\n",
		"\tpc := sys.GetCallerPC()\n\tfrom := witnessStart(gp, fn)\n\tsystemstack(func() {\n\t\tnewg := newproc1(fn, gp, pc, false, waitReasonZero)\n\t\tnewg.witnessFrom = from\n"},
	{"runtime/proc.go", "func goexit1() {\n", "func goexit1() {\n\twitnessEnd()\n"},

	// Time passes, also when every processor is idle and the monitor would sleep for a minute.
	{"runtime/proc.go", "\t\t\t\t\tsleep := forcegcperiod / 2\n", "\t\t\t\t\tsleep := witnessNap(now, forcegcperiod/2)\n"},
	{"runtime/proc.go", "\t\t// check if we need to force a GC\n", "\t\twitnessTick(now)\n\t\t// check if we need to force a GC\n"},

	// The program is about to die because everything is asleep.
	{"runtime/proc.go", "\tunlock(&sched.lock) // unlock so that GODEBUG=scheddetail=1 doesn't hang\n\tfatal(\"all goroutines are asleep - deadlock!\")",
		"\tif witnessAsleep() {\n\t\treturn\n\t}\n\tunlock(&sched.lock) // unlock so that GODEBUG=scheddetail=1 doesn't hang\n\tfatal(\"all goroutines are asleep - deadlock!\")"},

	// A goroutine is about to wait for a channel.
	{"runtime/chan.go", "\tlock(&c.lock)\n\n\tif c.closed != 0 {\n\t\tunlock(&c.lock)\n\t\tpanic(plainError(\"send on closed channel\"))",
		"\tif block {\n\t\twitnessChannel(c, true)\n\t}\n\tlock(&c.lock)\n\n\tif c.closed != 0 {\n\t\tunlock(&c.lock)\n\t\tpanic(plainError(\"send on closed channel\"))"},
	{"runtime/chan.go", "\tlock(&c.lock)\n\n\tif c.closed != 0 {\n\t\tif c.qcount == 0 {",
		"\tif block {\n\t\twitnessChannel(c, false)\n\t}\n\tlock(&c.lock)\n\n\tif c.closed != 0 {\n\t\tif c.qcount == 0 {"},
	{"runtime/select.go", "\t// lock all the channels involved in the select\n\tsellock(scases, lockorder)\n",
		"\tif block {\n\t\twitnessSelect(scases, nsends)\n\t}\n\t// lock all the channels involved in the select\n\tsellock(scases, lockorder)\n"},
}
