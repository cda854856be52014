package rpc

import (
	"time"

	"github.com/txc-dev/txc/api/frame"
)

// Bounds of connections. Each is here with what it prevents.
const (
	// MaxRequest is the largest message that a server takes: a Run with txc.MaxTxWork bytes of work and what stands
	// around it. Nobody can make a server hold more per call.
	MaxRequest = 2 << 20
	// MaxReply is the largest message that a client takes: ten thousand transactions with their timelines.
	MaxReply = 64 << 20
	// MaxHeader bounds the metadata of a call: ids, enlistments of 64 branches.
	MaxHeader = 16 << 10
	// MaxStreams bounds the calls that one connection may have at once; further ones wait at the client.
	MaxStreams = 1024
	// MaxInFlight bounds the requests of one client's stream that are not answered: then its stream is not read until
	// some are. The coordinator's own bound is for all clients together.
	MaxInFlight = 32768
	// MaxQueue bounds the messages that wait for one stream to take them; a peer that falls further behind loses it.
	MaxQueue = 131072

	// KeepAlive is how long a connection may be silent before it is asked whether it lives, and KeepAliveWait how long
	// the answer may take: a peer that vanished without a word is noticed within their sum.
	KeepAlive     = 10 * time.Second
	KeepAliveWait = 5 * time.Second
	// keepAliveForeign is the same towards a participant that has no Session, which another language's server may be:
	// those take more than one silent question in five minutes for abuse, and hang up. What it is asked has bounds of its
	// own.
	keepAliveForeign = 5*time.Minute + 10*time.Second
	// minPing is how often a client may ask that; more often is taken for abuse.
	minPing = 5 * time.Second

	// RetryMin and RetryMax bound the pause between two attempts to connect: a peer that is up again is found within a
	// second.
	RetryMin = 50 * time.Millisecond
	RetryMax = time.Second
	// retryJitter is how far a pause may be from what it should be, and retryMost the longest that it should be.
	retryJitter = 0.2
	retryMost   = RetryMax * 10 / 12
	// connectWait bounds one attempt: a lost SYN must not cost a minute. The kernel repeats it after one second and after
	// another: the attempt ends just after that, so that from one SYN to the next it is never much more than a second.
	connectWait = 2100 * time.Millisecond
	// handshake bounds how long a server waits for a new connection to say something sensible.
	handshake = 10 * time.Second
	// HelloWait bounds how long a stream may stay without the other side's hello; a participant may have to wait for
	// writes of an earlier opening (P6).
	HelloWait = 30 * time.Second

	// UnaryWorkers bounds the calls that a link without streams has under way at once, for Prepares and for everything
	// else separately: Prepares that wait for locks must not hold up the decisions that would free them.
	UnaryWorkers = 64
	// unaryWait bounds every call of such a link but Prepare, which has the transaction's own time.
	unaryWait = 5 * time.Second

	streamWindow     = frame.MaxFrame * 2 // flow control: a stream may be two frames ahead of its reader
	connectionWindow = frame.MaxFrame * 8
	bufferSize       = 64 << 10
)
