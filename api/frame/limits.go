package frame

import (
	"fmt"

	"github.com/txc-dev/txc"
)

// The protocol's versions that this package speaks.
const (
	VersionMin = 1
	VersionMax = 1
)

// Bounds of a stream. A peer that goes beyond them is refused with txc.ErrInvalid, and its stream ends.
const (
	MaxFrame    = 1 << 20   // bytes of a frame: what one slow reader can make the other side hold, per stream
	MinFrame    = 320 << 10 // the least that a peer may say it takes: one entry of any kind must fit
	MaxEntry    = 300 << 10 // bytes of an entry: the largest work or results, and what stands around them
	MaxEntries  = 16384     // in a frame
	MaxText     = 400       // bytes of a text for people; longer ones are cut
	MaxSoftware = 128       // bytes of a peer's software and version
	MaxPage     = 256       // bytes of a page token
	MaxState    = 32        // bytes of a branch's state
	MaxCode     = 32        // bytes of a code
	MaxSeen     = 256       // witnesses in a hello or a page
	MaxLabelKey = 32        // bytes of a label's name
	MaxPageIDs  = 8192      // branches in doubt, and markers, in a page

	maxNames = 4096 // names and texts that a reader keeps to share them
	maxLists = 1024 // lists of members that a reader keeps to share them

	maxVarint = 10 // bytes of the longest varint
)

// Why a hello or a message is refused. Both wrap txc.ErrInvalid.
var (
	ErrDisagree = fmt.Errorf("%w: the peers disagree", txc.ErrInvalid)     // a hello of another cluster, name or version
	ErrTooLarge = fmt.Errorf("%w: too large for a stream", txc.ErrInvalid) // a message that no entry holds
)
