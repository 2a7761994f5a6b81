// Go's gorilla/websocket as a peer: ../../README.md says what a peer does.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"

	"github.com/gorilla/websocket"
)

var (
	beat     = flag.Int("beat", 0, "Ping every so many milliseconds")
	timeout  = flag.Int("timeout", 0, "and hang up if nothing answers within so many")
	fragment = flag.Int("fragment", 0, "the longest frame sent, in bytes")
	cert     = flag.String("cert", "", "what it shows, PEM: a server always, a client if asked")
	key      = flag.String("key", "", "and its key")
	ca       = flag.String("ca", "", "the only root that it trusts, PEM; a server asks its clients")
)

// Commands are for the newest connection, and wait for the first.
var (
	newest    atomic.Pointer[peer]
	connected = make(chan struct{})
	first     sync.Once
)

// Notes are whole lines, whoever tells them.
var telling sync.Mutex

func say(what string, value any) {
	line, _ := json.Marshal(map[string]any{what: value})
	telling.Lock()
	defer telling.Unlock()
	fmt.Println(string(line))
}

func main() {
	if len(os.Args) < 3 {
		complain("server HOST:PORT or client URL")
	}
	role, address := os.Args[1], os.Args[2]
	_ = flag.CommandLine.Parse(os.Args[3:])
	// A Ctrl-C is for whoever started us: then our stdin ends, and so do we.
	signal.Ignore(os.Interrupt)
	if role == "server" {
		go serve(address)
	} else {
		go dial(address)
	}
	obey()
}

// Obeys the lines of stdin, and returns when it ends.
func obey() {
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var command struct {
			Send  *payload
			Ping  *string
			Close *closed
		}
		if err := json.Unmarshal(line, &command); err != nil {
			complain(err)
		}
		<-connected
		to := newest.Load()
		switch {
		case command.Send != nil:
			to.send(*command.Send)
		case command.Ping != nil:
			bytes, _ := hex.DecodeString(*command.Ping)
			to.control(websocket.PingMessage, bytes)
		case command.Close != nil:
			code, reason := command.Close.Code, command.Close.Reason
			to.control(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason))
		}
	}
}

func serve(address string) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		complain(err)
	}
	say("listening", listener.Addr().String())
	upgrader := websocket.Upgrader{WriteBufferSize: *fragment}
	handler := func(writer http.ResponseWriter, request *http.Request) {
		if connection, err := upgrader.Upgrade(writer, request, nil); err == nil {
			converse(connection, true)
		}
	}
	server := http.Server{Handler: http.HandlerFunc(handler), TLSConfig: ask()}
	if *cert != "" {
		err = server.ServeTLS(listener, *cert, *key)
	} else {
		err = server.Serve(listener)
	}
	complain(err)
}

func dial(url string) {
	dialer := websocket.Dialer{WriteBufferSize: *fragment, TLSClientConfig: trust()}
	connection, response, err := dialer.Dial(url, nil)
	if err != nil {
		if response != nil {
			err = fmt.Errorf("%w: %s", err, response.Status)
		}
		say("failed", err.Error())
		return
	}
	converse(connection, false)
}

func complain(what any) {
	fmt.Fprintln(os.Stderr, what)
	os.Exit(1)
}
