package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

type payload struct {
	Text   *string `json:"text,omitempty"`
	Binary *string `json:"binary,omitempty"`
}

type closed struct {
	Code   int    `json:"code"`
	Reason string `json:"reason"`
}

type peer struct {
	*websocket.Conn
	// One goroutine writes messages at a time; control frames may overtake them.
	writing sync.Mutex
}

func converse(connection *websocket.Conn, echo bool) {
	to := &peer{Conn: connection}
	defer connection.Close()
	newest.Store(to)
	first.Do(func() { close(connected) })
	say("connected", true)
	answer := connection.PingHandler()
	connection.SetPingHandler(func(bytes string) error {
		say("ping", hex.EncodeToString([]byte(bytes)))
		return answer(bytes)
	})
	done := make(chan struct{})
	defer close(done)
	hear := to.heartbeat(done)
	connection.SetPongHandler(func(bytes string) error {
		say("pong", hex.EncodeToString([]byte(bytes)))
		hear()
		return nil
	})
	say("closed", to.read(echo))
}

// The heartbeat of the package's chat example: only a Pong moves the time by which we must have read.
func (to *peer) heartbeat(done chan struct{}) (hear func()) {
	if *beat == 0 {
		return func() {}
	}
	hear = func() {
		if *timeout > 0 {
			patience := time.Duration(*beat+*timeout) * time.Millisecond
			_ = to.SetReadDeadline(time.Now().Add(patience))
		}
	}
	hear()
	go func() {
		ticker := time.NewTicker(time.Duration(*beat) * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				to.control(websocket.PingMessage, nil)
			}
		}
	}()
	return hear
}

// Reads until the end, and says which that was.
func (to *peer) read(echo bool) closed {
	for {
		kind, bytes, err := to.ReadMessage()
		if err != nil {
			var end *websocket.CloseError
			if errors.As(err, &end) {
				return closed{end.Code, end.Text}
			}
			return closed{websocket.CloseAbnormalClosure, err.Error()}
		}
		message := of(kind, bytes)
		say("message", message)
		if echo {
			to.send(message)
		}
	}
}

func of(kind int, bytes []byte) payload {
	if kind == websocket.TextMessage {
		text := string(bytes)
		return payload{Text: &text}
	}
	digits := hex.EncodeToString(bytes)
	return payload{Binary: &digits}
}

// An error of writing is an end that reading tells of.
func (to *peer) send(message payload) {
	kind, bytes := websocket.TextMessage, []byte(nil)
	if message.Text != nil {
		bytes = []byte(*message.Text)
	} else {
		kind = websocket.BinaryMessage
		bytes, _ = hex.DecodeString(*message.Binary)
	}
	to.writing.Lock()
	defer to.writing.Unlock()
	writer, err := to.NextWriter(kind)
	if err != nil {
		return
	}
	// A frame goes out whenever the write buffer is full; a server would write more than two of
	// them, given at once, as one frame.
	for *fragment > 0 && len(bytes) > *fragment && err == nil {
		_, err = writer.Write(bytes[:*fragment])
		bytes = bytes[*fragment:]
	}
	_, _ = writer.Write(bytes)
	_ = writer.Close()
}

func (to *peer) control(kind int, bytes []byte) {
	_ = to.WriteControl(kind, bytes, time.Now().Add(time.Second))
}

// A client's.
func trust() *tls.Config {
	if *ca == "" {
		return nil
	}
	config := tls.Config{RootCAs: roots()}
	if *cert != "" {
		pair, err := tls.LoadX509KeyPair(*cert, *key)
		if err != nil {
			complain(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return &config
}

// A server's, but for its certificate.
func ask() *tls.Config {
	if *ca == "" {
		return nil
	}
	return &tls.Config{ClientCAs: roots(), ClientAuth: tls.RequireAndVerifyClientCert}
}

func roots() *x509.CertPool {
	pem, err := os.ReadFile(*ca)
	if err != nil {
		complain(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return roots
}
