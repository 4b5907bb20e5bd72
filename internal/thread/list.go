package thread

// The living threads, for those who look on from outside.

// Living is what may be told about a thread that is not one's own.
type Living struct {
	ID   uint32 // in token words, until the thread ends
	Name string // as messages have it
}

// List returns the living threads by identity. They may be others a moment later.
func List() (threads []Living) {
	all.lock.Lock()
	defer all.lock.Unlock()
	for _, r := range all.records {
		if h := r.user(); h != nil {
			threads = append(threads, Living{r.id, h.String()})
		}
	}
	return threads
}
