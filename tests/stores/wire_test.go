package stores_test

import (
	"bytes"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// wire stands between a store and its server, and cuts the connection that says a word, once armed.
type wire struct {
	address string
	server  string
	word    []byte
	pass    bool            // the word still reaches the server
	before  func()          // happens before the word reaches the server; the connection is not cut then
	then    func()          // what happens before the client notices; nil: nothing
	hold    <-chan struct{} // so long the server does not notice; nil: it does at once

	mu    sync.Mutex
	armed bool
	wg    sync.WaitGroup
}

func newWire(t *testing.T, server, word string, pass bool, then func()) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{address: l.Addr().String(), server: server, word: []byte(word), pass: pass, then: then}
	w.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.wg.Go(func() { w.join(c) })
		}
	})
	t.Cleanup(func() { // the store is closed by then, and with it its connections
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		w.wg.Wait()
	})
	return w
}

func (w *wire) join(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", w.server)
	if err != nil {
		return // the server is down: so the client sees it
	}
	defer server.Close()
	var back sync.WaitGroup
	var mute atomic.Bool
	back.Go(func() {
		_, _ = io.Copy(muted{client, &mute}, server) // ends with either
		_ = client.Close()
	})
	defer back.Wait()
	defer server.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		cut := w.cuts(buffer[:n])
		if cut && w.before != nil {
			w.before()
			cut = false
		}
		if cut && w.hold != nil {
			_ = client.Close() // it sees that its connection is lost
			<-w.hold
		}
		if cut && !w.pass {
			return
		}
		if cut { // its answer must not come back
			mute.Store(true)
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
		if cut {
			if w.then != nil {
				w.then()
			}
			return
		}
	}
}

// muted drops what the server says, once it is.
type muted struct {
	io.Writer
	is *atomic.Bool
}

func (m muted) Write(p []byte) (int, error) {
	if m.is.Load() {
		return len(p), nil
	}
	return m.Writer.Write(p)
}

func (w *wire) cuts(said []byte) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	cut := w.armed && bytes.Contains(said, w.word)
	w.armed = w.armed && !cut
	return cut
}

func (w *wire) arm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed = true
}
