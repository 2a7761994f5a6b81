// A server of Go's gorilla/websocket for `cargo xtask bench --peers`: says messages back, and pings from
// a goroutine of each connection, as the examples of the package do. Says where it listens; ends with
// its stdin.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// How long who does not answer is waited for. The package's examples wait for a minute and ping every
// 54 s; a benchmark's beat may be of 1 s, of which three are shorter than a burst of messages takes, and
// would cut off who waits behind it and is well.
func patience(beat time.Duration) time.Duration {
	if least := 20 * time.Second; 3*beat < least {
		return least
	}
	return 3 * beat
}

func main() {
	beat := flag.Int("beat", 0, "Ping every so many milliseconds")
	flag.Int("connections", 0, "how many will come")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println("lost", err)
		os.Exit(1)
	}
	fmt.Println("listening", listener.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	serve := func(writer http.ResponseWriter, request *http.Request) {
		var upgrader websocket.Upgrader
		if connection, err := upgrader.Upgrade(writer, request, nil); err == nil {
			echo(connection, time.Duration(*beat)*time.Millisecond)
		}
	}
	fmt.Println("lost", http.Serve(listener, http.HandlerFunc(serve)))
}

func echo(connection *websocket.Conn, beat time.Duration) {
	defer connection.Close()
	// One goroutine writes at a time.
	var writing sync.Mutex
	if beat > 0 {
		wait := func() { _ = connection.SetReadDeadline(time.Now().Add(patience(beat))) }
		wait()
		connection.SetPongHandler(func(string) error { wait(); return nil })
		done := make(chan struct{})
		defer close(done)
		go ping(connection, &writing, beat, done)
	}
	for {
		kind, message, err := connection.ReadMessage()
		if err != nil {
			return
		}
		writing.Lock()
		err = connection.WriteMessage(kind, message)
		writing.Unlock()
		if err != nil {
			return
		}
	}
}

func ping(connection *websocket.Conn, writing *sync.Mutex, beat time.Duration, done chan struct{}) {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
			writing.Lock()
			err := connection.WriteMessage(websocket.PingMessage, nil)
			writing.Unlock()
			if err != nil {
				return
			}
		}
	}
}
