package thread

// What callers give beside a thread and a lock, and cannot be used: functions, contexts, locks that
// are nil, keys that nobody can agree on; and words for messages about such things.

import (
	"fmt"
	"reflect"
)

// NoContext panics with a Misuse by who gave nil for a context, of a lock that is called so.
func NoContext(h *Handle, op, lock string) {
	panic(&Misuse{Op: op, Lock: lock, Thread: h.String(), Where: caller(),
		Why: "the context is nil; context.Background() is one that is never done"})
}

// NeedsFunction panics with a Misuse if the function that an operation is to call is nil.
func NeedsFunction(h *Handle, op string, missing bool) {
	if missing {
		fail(h, op, nil, "there is no function to call: it is nil")
	}
}

// IsNil says whether there is nothing behind an interface: nil, or a pointer that is.
func IsNil(v any) bool {
	if v == nil {
		return true
	}
	p := reflect.ValueOf(v)
	return p.Kind() == reflect.Pointer && p.IsNil()
}

// WhyNoKey says why a value cannot stand for something on which others are to agree, or "". Reflection alone
// would know, but allocates, and nearly all such values are addresses.
func WhyNoKey(v any) string {
	t := reflect.TypeOf(v)
	switch {
	case t == nil:
		return "nil"
	case t.Kind() == reflect.Pointer:
		return ""
	}
	switch v.(type) {
	case string, int, int32, int64, uint32, uint64, uintptr:
		return ""
	}
	if !t.Comparable() || !reflect.ValueOf(v).Comparable() || v != v { // the last is not a number
		return fmt.Sprintf("%T(%v)", v, v)
	}
	return ""
}

// DescribeKey names a value that WhyNoKey has nothing against, and reads nothing that it points to.
func DescribeKey(key any) string {
	switch v := reflect.ValueOf(key); v.Kind() {
	case reflect.Pointer, reflect.Chan, reflect.UnsafePointer:
		return fmt.Sprintf("%T(%#x)", key, v.Pointer())
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64, reflect.Uint64, reflect.Uintptr:
		return fmt.Sprintf("%T(%v)", key, v)
	}
	return fmt.Sprintf("%T", key)
}

// Waiting tells how many threads wait, for a message.
func Waiting(n int) string {
	if n == 1 {
		return "1 thread waits"
	}
	return fmt.Sprintf("%d threads wait", n)
}
