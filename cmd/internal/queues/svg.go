// svg.go: the queues as a picture, like the slides on turnstiles and sleep queues: on the left the chains of the hash table that are
// in use, hanging off each the locks whose waiters it has, with the owner, and the two queues with the next one first.
//
// Plain SVG 1.1 with nothing from outside. Colours say what kind of thing a box is, and an arrow what is lent; each has its word beside it.

package queues

import (
	"bytes"
	"fmt"
	"html"
	"strings"

	"github.com/serializing-tokens/lwkt"
)

const (
	ink, faint, rule = "#1e293b", "#64748b", "#cbd5e1"
	lends            = "#d55e00"
	blue, grey       = "#0072b2", "#94a3b8"

	wide     = 1120
	left     = 36
	chainW   = 86
	lockX    = 172
	lockW    = 178
	ownerX   = 404
	ownerW   = 140
	laneX    = 650 // of the waiters
	boxW     = 86
	boxGap   = 14
	boxH     = 40
	laneH    = 56
	queueGap = 42
)

// A picture grows downwards.
type picture struct {
	b bytes.Buffer
	y int
}

func draw(s *scene) []byte {
	var p picture
	p.y = 112
	owned := owners(s)
	p.panel("Turnstiles", "bounded waits: the owner is lent the best priority of the waiters, along the whole chain", s.turnstiles, owned)
	p.y += 30
	p.panel("Sleep queues", "waits that may take for ever: nothing is lent", s.sleeps, nil)
	p.legend()
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="Inter,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif" font-size="13" fill="%s">`+"\n", wide, p.y, ink)
	out.WriteString("<title>Who waits for what: turnstiles and sleep queues</title>\n")
	fmt.Fprintf(&out, `<defs><marker id="lent" markerUnits="userSpaceOnUse" markerWidth="9" markerHeight="9" refX="7" refY="4" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="%s"/></marker>`, lends)
	fmt.Fprintf(&out, `<marker id="next" markerWidth="8" markerHeight="8" refX="6" refY="3.5" orient="auto"><path d="M0,0 L7,3.5 L0,7 z" fill="%s"/></marker></defs>`+"\n", faint)
	fmt.Fprintf(&out, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", wide, p.y)
	fmt.Fprintf(&out, `<text x="%d" y="44" font-size="21" font-weight="600">Who waits for what</text>`+"\n", left)
	fmt.Fprintf(&out, `<text x="%d" y="68" fill="%s">a moment on the simulated machine; numbers are priorities, 31 is best</text>`+"\n", left, faint)
	out.Write(p.b.Bytes())
	out.WriteString("</svg>\n")
	return out.Bytes()
}

// owners says of each thread which lock with a turnstile it owns.
func owners(s *scene) map[string]string {
	owned := make(map[string]string)
	for _, q := range s.turnstiles {
		if q.Owner != "" {
			owned[q.Owner] = name(q.On)
		}
	}
	return owned
}

// name is what is quoted in a name of a lock or a thread, if something is.
func name(title string) string {
	if parts := strings.Split(title, `"`); len(parts) == 3 {
		return parts[1]
	}
	return title
}

func (p *picture) text(x, y int, style, s string) {
	fmt.Fprintf(&p.b, `<text x="%d" y="%d" %s>%s</text>`+"\n", x, y, style, html.EscapeString(s))
}

func (p *picture) box(x, y, w, h int, colour string) {
	fmt.Fprintf(&p.b, `<rect x="%d" y="%d" width="%d" height="%d" rx="5" fill="%s" fill-opacity="0.1" stroke="%[5]s"/>`+"\n", x, y, w, h, colour)
}

// arrow is a line with a head, towards who is next.
func (p *picture) arrow(x1, y1, x2, y2 int) {
	fmt.Fprintf(&p.b, `<line x1="%d" y1="%d" x2="%d" y2="%d" stroke="%s" marker-end="url(#next)"/>`+"\n", x1, y1, x2, y2, faint)
}

// panel draws one table.
func (p *picture) panel(title, what string, infos []lwkt.QueueInfo, owned map[string]string) {
	p.text(left, p.y, `font-size="16" font-weight="600"`, title)
	p.text(left+130, p.y, `fill="`+faint+`"`, what)
	p.y += 22
	p.text(left, p.y, `font-size="11.5" fill="`+faint+`"`, "chain")
	p.text(lockX, p.y, `font-size="11.5" fill="`+faint+`"`, "waited for")
	p.text(ownerX, p.y, `font-size="11.5" fill="`+faint+`"`, "owner")
	p.text(laneX, p.y, `font-size="11.5" fill="`+faint+`"`, "waiters, the next one first")
	p.y += 26
	for i, q := range infos {
		high := max(1, lanes(q)) * laneH
		mid := p.y + high/2
		if i == 0 || infos[i-1].Chain != q.Chain {
			p.chain(q.Chain, mid)
		} else { // of one chain: hangs off the one before
			fmt.Fprintf(&p.b, `<line x1="%d" y1="%d" x2="%[1]d" y2="%[3]d" stroke="%s"/>`+"\n", lockX-16, p.y-queueGap, mid, faint)
		}
		p.queue(q, mid, owned)
		p.y += high + queueGap
	}
	if len(infos) == 0 {
		p.text(left, p.y+20, "", "nobody waits")
		p.y += 40
	}
}

// chain draws an entry of the hash table between two that nobody uses.
func (p *picture) chain(n, mid int) {
	for i, s := range []string{"", fmt.Sprint(n), ""} {
		y, h := mid-15, 30
		switch i {
		case 0:
			y, h = mid-27, 12
		case 2:
			y, h = mid+15, 12
		}
		fmt.Fprintf(&p.b, `<rect x="%d" y="%d" width="%d" height="%d" fill="%s" stroke="%s"/>`+"\n", left, y, chainW, h, map[bool]string{true: "#f1f5f9", false: "#fff"}[s != ""], rule)
		if s != "" {
			p.text(left+chainW/2, mid+5, `text-anchor="middle"`, s)
		}
	}
	p.arrow(left+chainW, mid, lockX-3, mid)
}

// lanes is how many queues of q somebody is on.
func lanes(q lwkt.QueueInfo) (n int) {
	for _, list := range [][]lwkt.QueuedInfo{q.Exclusive, q.Shared} {
		if len(list) > 0 {
			n++
		}
	}
	return n
}

// queue draws one lock or wait channel.
func (p *picture) queue(q lwkt.QueueInfo, mid int, owned map[string]string) {
	kind, _, _ := strings.Cut(q.On, ` "`)
	if kind == q.On {
		kind = "wait channel"
	}
	p.box(lockX, mid-24, lockW, 48, blue)
	p.text(lockX+12, mid-4, `font-weight="600"`, short(name(q.On), 20))
	p.text(lockX+12, mid+13, `font-size="11.5" fill="`+faint+`"`, kind)
	if q.Lock != "" {
		p.text(lockX+12, mid+38, `font-size="11.5" fill="`+faint+`"`, "dropped: "+q.Lock)
	}
	lent := p.owner(q, mid)
	y := mid - lanes(q)*laneH/2
	best := bestOf(q)
	for i, list := range [][]lwkt.QueuedInfo{q.Exclusive, q.Shared} {
		if len(list) == 0 {
			continue
		}
		at := y + (laneH-boxH)/2
		what := map[int]string{0: "exclusive", 1: "shared"}[i]
		if kind == "wait channel" {
			what = "asleep"
		}
		p.text(laneX-14, at+boxH/2+4, `font-size="11.5" text-anchor="end" fill="`+faint+`"`, what)
		for n, w := range list {
			p.waiter(laneX+n*(boxW+boxGap), at, w, owned)
			if n > 0 {
				x := laneX + n*(boxW+boxGap)
				p.arrow(x, at+boxH/2, x-boxGap+3, at+boxH/2)
			}
		}
		if lent && i == best {
			p.lending(at, mid, list[0].Priority, y >= mid)
			lent = false
		}
		y += laneH
	}
}

// bestOf is the queue of the best priority: 0 exclusive, 1 shared.
func bestOf(q lwkt.QueueInfo) int {
	if len(q.Exclusive) == 0 || len(q.Shared) > 0 && q.Shared[0].Priority > q.Exclusive[0].Priority {
		return 1
	}
	return 0
}

// owner draws who has it, and says whether it is lent something.
func (p *picture) owner(q lwkt.QueueInfo, mid int) (lent bool) {
	fmt.Fprintf(&p.b, `<line x1="%d" y1="%d" x2="%d" y2="%[2]d" stroke="%[4]s"/>`+"\n", lockX+lockW, mid, ownerX, faint)
	if q.Owner == "" {
		what := "nobody"
		if strings.HasPrefix(q.On, "rwlock") || strings.HasPrefix(q.On, "sx") {
			what = "readers: no owner"
		}
		fmt.Fprintf(&p.b, `<rect x="%d" y="%d" width="%d" height="36" rx="5" fill="#fff" stroke="%s" stroke-dasharray="4 3"/>`+"\n", ownerX, mid-18, ownerW, rule)
		p.text(ownerX+12, mid+4, `font-size="11.5" fill="`+faint+`"`, what)
		return false
	}
	colour, words, says := grey, faint, "lent nothing"
	if q.OwnerLent > 0 {
		colour, words, says = lends, lends, fmt.Sprintf("lent %d", q.OwnerLent)
	}
	p.box(ownerX, mid-22, ownerW, 44, colour)
	p.text(ownerX+12, mid-3, `font-weight="600"`, name(q.Owner))
	p.text(ownerX+12, mid+14, `font-size="11.5" fill="`+words+`"`, says)
	return q.OwnerLent > 0
}

// waiter draws a thread on a queue, and below it what it owns itself.
func (p *picture) waiter(x, y int, w lwkt.QueuedInfo, owned map[string]string) {
	colour := blue
	if w.Hard {
		colour = lends
	}
	p.box(x, y, boxW, boxH, colour)
	p.text(x+9, y+17, `font-weight="600"`, short(name(w.Thread), 7))
	p.text(x+boxW-9, y+17, `text-anchor="end"`, fmt.Sprint(w.Priority))
	note := ""
	switch {
	case owned[w.Thread] != "":
		note = "owns " + owned[w.Thread]
	case w.Hard:
		note = "reserved"
	case w.Called:
		note = "called"
	}
	p.text(x+9, y+32, `font-size="10.5" fill="`+faint+`"`, short(note, 13))
}

// lending is the arrow from the best waiter to the owner: above them, or below if its queue is the lower one.
func (p *picture) lending(y, mid, priority int, below bool) {
	from, to := laneX+boxW/2, ownerX+ownerW-24
	bend, end, says := y-15, mid-23, y-14
	if below {
		y += boxH
		bend, end, says = y+15, mid+23, y+20
	}
	fmt.Fprintf(&p.b, `<path d="M%d,%d C%[1]d,%[3]d %[4]d,%[3]d %[4]d,%d" fill="none" stroke="%s" stroke-width="2" marker-end="url(#lent)"/>`+"\n",
		from, y, bend, to, end, lends)
	p.text((from+to)/2, says, `font-size="11.5" text-anchor="middle" fill="`+lends+`"`, fmt.Sprintf("lends %d", priority))
}

func (p *picture) legend() {
	p.text(left, p.y+4, `font-size="11.5" fill="`+faint+`"`,
		"A thread that owns one lock and waits for another one is on both: its priority there is what it is lent here. Readers own nothing, so they are lent nothing.")
	p.y += 28
}

// short is s, cut if it is longer than n.
func short(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
