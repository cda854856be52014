package main

import (
	"encoding/json"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/txc-dev/txc/api/txcpb"
)

// What a participant's own operation gives back is shown as text, or as what it is.
func TestResultsOfACall(t *testing.T) {
	for want, value := range map[string][]byte{
		`[{"op":0,"kind":"result","value":"closed"}]`: []byte("closed"), `[{"op":0,"kind":"result","value":""}]`: {},
		`[{"op":0,"kind":"result","value_base64":"/wA="}]`: {0xff, 0}, `[{"op":0,"kind":"result"}]`: nil,
	} {
		data, err := proto.Marshal(&txcpb.Results{Items: []*txcpb.Result{{Kind: "result", Found: value != nil, Value: value}}})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(resultsOf(data)); err != nil || string(got) != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
}
