// Examples: for each thing that this package offers, a program that shows it in
// a few lines and whose output is checked.
package lwkt_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/serializing-tokens/lwkt"
)

func ExampleToken() {
	from, to := lwkt.NewToken("from"), lwkt.NewToken("to")
	balance := map[*lwkt.Token]int{from: 100, to: 0}

	lwkt.Run("teller", func(td *lwkt.Thread) {
		from.Acquire(td)
		defer from.Release(td)
		to.Acquire(td) // the order does not matter
		defer to.Release(td)

		amount := 80
		ok := balance[from] >= amount
		changed := td.Block(func() {
			// Both tokens are free while this thread writes its journal. Meanwhile:
			lwkt.Go("other teller", func(td *lwkt.Thread) {
				from.Acquire(td)
				balance[from] -= 50
				from.Release(td)
			}).Wait()
		})
		fmt.Println("changed:", changed)
		if changed { // so look again
			ok = balance[from] >= amount
		}
		fmt.Println("enough:", ok, balance[from])
	})
	// Output:
	// changed: true
	// enough: false 50
}

func ExampleToken_shared() {
	var tok lwkt.Token
	lwkt.Run("reader", func(td *lwkt.Thread) {
		tok.AcquireShared(td)
		fmt.Println(tok.Held(td))
		tok.Acquire(td) // the only sharer becomes the owner in place
		fmt.Println(tok.Held(td))
		tok.Release(td)
		fmt.Println(tok.Held(td))
		tok.Release(td)
		fmt.Println(tok.Held(td))
	})
	// Output:
	// shared
	// exclusive
	// shared
	// none
}

func ExampleAcquireAll() {
	var a, b lwkt.Token
	lwkt.Run("both", func(td *lwkt.Thread) {
		lwkt.AcquireAll(td, &a, &b) // never one without the other
		fmt.Println(a.Held(td), b.Held(td))
		lwkt.ReleaseAll(td, &a, &b)
	})
	// Output:
	// exclusive exclusive
}

func ExampleToken_AcquireContext() {
	var tok, kept lwkt.Token
	held, leave := make(chan bool), make(chan bool)
	holder := lwkt.Go("holder", func(td *lwkt.Thread) {
		tok.Acquire(td)
		close(held)
		<-leave
		tok.Release(td)
	})
	<-held

	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	lwkt.Run("impatient", func(td *lwkt.Thread) {
		kept.Acquire(td)
		_, err := tok.AcquireContext(ctx, td)
		fmt.Println(errors.Is(err, context.Canceled), kept.Held(td), tok.Held(td))
		kept.Release(td)
	})
	close(leave)
	holder.Wait()
	// Output:
	// true exclusive none
}

func ExampleGo() {
	var tok lwkt.Token
	count := 0
	var tasks []*lwkt.Task
	for i := range 4 {
		tasks = append(tasks, lwkt.Go(fmt.Sprint("worker ", i), func(td *lwkt.Thread) {
			tok.Acquire(td)
			count++
			tok.Release(td)
		}))
	}
	for _, k := range tasks {
		k.Wait() // would pass on a panic
	}
	fmt.Println(count)
	// Output:
	// 4
}

func ExampleThread() {
	td := lwkt.NewThread("main")
	defer td.End()
	td.SetPriority(20)
	ctx := lwkt.WithThread(context.Background(), td)

	// Far away, where only the context is known:
	fmt.Println(lwkt.FromContext(ctx).Name(), td.Priority())
	// Output:
	// main 20
}

func ExampleThread_ChangedSince() {
	var tok lwkt.Token
	callee := func(td *lwkt.Thread) {
		td.Block(func() {
			lwkt.Go("other", func(td *lwkt.Thread) { tok.Acquire(td); tok.Release(td) }).Wait()
		})
	}
	lwkt.Run("caller", func(td *lwkt.Thread) {
		tok.Acquire(td)
		m := td.Mark()
		fmt.Println(td.ChangedSince(m))
		callee(td) // may block; who knows?
		fmt.Println(td.ChangedSince(m))
		tok.Release(td)
	})
	// Output:
	// false
	// true
}

func ExampleFunnel() {
	var network lwkt.Funnel
	send := func(td *lwkt.Thread, packet string) {
		prev := td.SetFunnel(&network)
		fmt.Println("sent", packet)
		td.SetFunnel(prev)
	}
	lwkt.Run("main", func(td *lwkt.Thread) {
		send(td, "one")
		td.SetFunnel(&network)
		send(td, "two") // in the funnel already, and after it too
		fmt.Println(td.Funnel() == &network)
		td.SetFunnel(nil)
	})
	// Output:
	// sent one
	// sent two
	// true
}

func ExampleGuarded() {
	account := lwkt.NewGuarded("account", 100)
	lwkt.Run("teller", func(td *lwkt.Thread) {
		account.Acquire(td)
		ref := account.Ref(td)
		*ref.Write() -= 30
		td.Block(func() {
			lwkt.Go("other", func(td *lwkt.Thread) {
				account.Acquire(td)
				*account.Ref(td).Write() -= 70
				account.Release(td)
			}).Wait()
		})
		fmt.Println("stale:", ref.Stale())
		ref = account.Ref(td) // so make a new one
		fmt.Println(*ref.Read())
		account.Release(td)
	})
	// Output:
	// stale: true
	// 0
}

func ExamplePool() {
	type inode struct{ links int }
	var inodes lwkt.Pool[*inode]
	n := &inode{links: 1}
	lwkt.Run("unlink", func(td *lwkt.Thread) {
		inodes.Acquire(td, n)
		n.links--
		fmt.Println(n.links, inodes.Held(td, n))
		inodes.Release(td, n) // the token stays when the inode is gone
	})
	// Output:
	// 0 true
}

func ExampleThread_Sleep() {
	var tok lwkt.Token
	var queue []string // (tok)
	consumer := lwkt.Go("consumer", func(td *lwkt.Thread) {
		tok.Acquire(td)
		for len(queue) == 0 {
			td.Sleep(&queue, 0) // gives tok up
		}
		fmt.Println("got", queue[0])
		tok.Release(td)
	})
	lwkt.Run("producer", func(td *lwkt.Thread) {
		tok.Acquire(td)
		queue = append(queue, "work")
		td.Wakeup(&queue)
		tok.Release(td)
	})
	consumer.Wait()
	// Output:
	// got work
}

func ExampleSelect() {
	var tok lwkt.Token
	work, quit := make(chan string, 1), make(chan bool)
	work <- "work"
	lwkt.Run("worker", func(td *lwkt.Thread) {
		tok.Acquire(td)
		chosen, changed := lwkt.Select(td,
			lwkt.OnRecv(work, func(s string, ok bool) { fmt.Println("got", s) }),
			lwkt.OnRecv(quit, nil))
		fmt.Println(chosen, changed)
		tok.Release(td)
	})
	// Output:
	// got work
	// 0 false
}

// The consumer looks under a mutex and sleeps if there is nothing, with the mutex given up and taken back.
func ExampleThread_SleepOn() {
	var mu lwkt.Mtx
	var ready bool

	consumer := lwkt.Go("consumer", func(td *lwkt.Thread) {
		mu.Lock(td)
		for !ready {
			td.SleepOn(&ready, &mu, lwkt.SleepOptions{})
		}
		mu.Unlock(td)
		fmt.Println("ready")
	})
	lwkt.Run("producer", func(td *lwkt.Thread) {
		mu.Lock(td)
		ready = true
		td.Wakeup(&ready)
		mu.Unlock(td)
	})
	consumer.Wait()

	lwkt.Run("impatient", func(td *lwkt.Thread) {
		mu.Lock(td)
		_, err := td.SleepOn(&ready, &mu, lwkt.SleepOptions{Timeout: time.Millisecond, Drop: true})
		fmt.Println(err, mu.Held(td))
	})
	// Output:
	// ready
	// lwkt: timed out none
}
