package rpc_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/txc-dev/txc"
	"github.com/txc-dev/txc/api/frame"
	"github.com/txc-dev/txc/api/rpc"
)

func wantCode(t testing.TB, err error, of error, code txc.Code) {
	t.Helper()
	var refusal *txc.Refusal
	if !errors.Is(err, of) || !errors.As(err, &refusal) || refusal.Reason.Code != code {
		t.Fatalf("got %v, want %v with code %s", err, of, code)
	}
}

func TestRefusalsKeepTheirSentinelAndCode(t *testing.T) {
	for _, of := range []error{txc.ErrInvalid, txc.ErrNotFound, txc.ErrKeyReused, txc.ErrUnavailable, txc.ErrBusy, txc.ErrUnknown, txc.ErrAborted} {
		for _, code := range txc.Codes() {
			code, reason := rpc.RefusalOf(txc.Refuse(of, code, "because"))
			back := rpc.ErrorOf(code, reason)
			wantCode(t, back, of, reason.Code)
			if back.Error() != "because" {
				t.Fatalf("%s: the text became %q", reason.Code, back)
			}
		}
	}
}

func TestP8TroubleOnTheWayIsUnknown(t *testing.T) {
	for _, code := range []codes.Code{codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.Internal, codes.Unknown, codes.ResourceExhausted, codes.Aborted, codes.DataLoss} {
		if err := rpc.FromStatus(status.Error(code, "trouble")); !errors.Is(err, txc.ErrUnknown) {
			t.Errorf("%v became %v", code, err)
		}
	}
	if err := rpc.FromStatus(status.Error(codes.FailedPrecondition, "another cluster")); !errors.Is(err, txc.ErrInvalid) {
		t.Errorf("a hello that was refused became %v", err)
	}
}

func TestNobodyReachedIsUnavailable(t *testing.T) {
	c, err := rpc.NewCaller("127.0.0.1:1", "test")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.Do(ctx, frame.Begin{}); !errors.Is(err, txc.ErrUnavailable) || errors.Is(err, txc.ErrUnknown) {
		t.Fatalf("got %v, want certainly unavailable", err)
	}
}

func TestOtherMachinesNeedInsecure(t *testing.T) {
	for _, row := range []struct {
		address string
		ok      bool
	}{{"127.0.0.1:0", true}, {"[::1]:0", true}, {"localhost:0", true}, {"0.0.0.0:0", false}, {":0", false}, {"192.0.2.1:0", false}, {"nonsense", false}} {
		l, err := rpc.Listen(row.address, false)
		switch {
		case row.ok && err == nil:
			l.Close()
		case row.ok && strings.Contains(row.address, "::1"): // a machine without IPv6
		case row.ok:
			t.Errorf("%s: %v", row.address, err)
		case err == nil:
			l.Close()
			t.Errorf("%s was taken", row.address)
		case !errors.Is(err, txc.ErrInvalid):
			t.Errorf("%s: %v does not wrap ErrInvalid", row.address, err)
		}
	}
	l, err := rpc.Listen("0.0.0.0:0", true)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := rpc.Listen(l.Addr().String(), true); err == nil || !strings.Contains(err.Error(), "choose another port") {
		t.Fatalf("a port in use: %v", err)
	}
}
