package mem

import (
	"cmp"
	"slices"

	"github.com/txc-dev/txc/wal"
)

// Failure is what befalls the next write of a Disk. Each gives its caller the same error: fate unknown.
type Failure uint8

// The failures.
const (
	None          Failure = iota
	FailedLost            // nothing reached the disk
	FailedWritten         // written, not synced: a power loss takes it, the death of the process alone does not
	FailedKept            // durable all the same
)

// Disk is what survives a crash. It is not safe for use beside an Append of its own Log.
type Disk struct {
	groups     [][]byte // whole groups, never changed
	first      uint64   // LSN of the first record that is left
	synced     int      // so many of the groups are durable
	head       head     // what a HEAD file would say
	checkpoint checkpoint
	carried    []wal.Record // commits under users' keys whose groups were dropped
	failure    Failure
	broken     Failure // befalls every write
	free       uint64
	low        bool
	owner      *Log
}

// head is the last durable record, and whose it is.
type head struct {
	epoch uint32
	mark  uint64
	lsn   uint64
}

// sector is what a disk writes whole: a power loss may keep some of a write's sectors and not the others.
const sector = 512

// checkpoint is a State's records, and the group that it was taken before.
type checkpoint struct {
	records [][]byte
	lsns    []uint64
	at      wal.Link // the chain's end there
}

// NewDisk is an empty disk with plenty of room.
func NewDisk() *Disk { return &Disk{first: 1, free: 1 << 40} }

// Copy is an image of the disk as it is now, without an owner.
func (d *Disk) Copy() *Disk {
	c := *d
	c.groups = slices.Clone(d.groups)
	c.carried = slices.Clone(d.carried)
	c.owner, c.failure, c.broken = nil, None, None
	return &c
}

// Restore puts an image in the place of everything, as an operator does with a backup. The Log that has the disk open
// loses it.
func (d *Disk) Restore(image *Disk) {
	c := image.Copy()
	c.free, c.low = d.free, d.low // the disk's, not the image's
	*d = *c
}

// LoseUnsynced is a power loss: what was written but not synced is gone. The Log that has the disk open loses it.
func (d *Disk) LoseUnsynced() {
	d.groups = d.groups[:d.synced]
	d.owner = nil
}

// Tear is a power loss in the middle of a write: of the first group that was written and not synced only the sectors
// before that number have reached the disk, and nothing of the others. The Log that has the disk open loses it.
func (d *Disk) Tear(before int) {
	if d.synced < len(d.groups) {
		torn := slices.Clone(d.groups[d.synced])
		clear(torn[min(before*sector, len(torn)):])
		d.groups = append(d.groups[:d.synced:d.synced], torn)
	}
	d.owner = nil
}

// Unsynced reports whether a power loss would take something.
func (d *Disk) Unsynced() bool { return d.synced < len(d.groups) }

// Cut takes away every group that ends above lsn, durable or not, and HEAD with them: a lost tail that the log itself
// cannot see. The Log that has the disk open loses it.
func (d *Disk) Cut(lsn uint64) {
	d.Truncate(lsn)
	d.head.lsn = min(d.head.lsn, d.first-1)
	if n := len(d.groups); n > 0 {
		d.head = headOf(d.groups[n-1]) // groups go as a whole: the last one left may end before lsn
	}
}

// Truncate takes away every group that ends above lsn, but not HEAD: Open refuses such a disk.
func (d *Disk) Truncate(lsn uint64) {
	keep := len(d.groups)
	for keep > 0 && end(d.groups[keep-1]) > lsn {
		keep--
	}
	d.groups = d.groups[:keep]
	d.synced = min(d.synced, keep)
	d.owner = nil
	if d.checkpoint.at.Last() > lsn {
		d.checkpoint = checkpoint{}
	}
}

// Flip changes a byte of the group that holds lsn: Open or whoever reads it must notice.
func (d *Disk) Flip(lsn uint64, at int) {
	for i, b := range d.groups {
		if end(b) >= lsn {
			d.groups[i] = slices.Clone(b)
			d.groups[i][at%len(b)] ^= 0x40
			return
		}
	}
}

// Fail decides the fate of the next write; later ones fail because the Log is poisoned.
func (d *Disk) Fail(f Failure) { d.failure = f }

// Break has every write fail from now on, until Mend: a disk that is dead, or full before the first byte.
func (d *Disk) Break(f Failure) { d.broken = f }

// Mend ends what Break began.
func (d *Disk) Mend() { d.broken = None }

// Broken reports whether every write fails.
func (d *Disk) Broken() bool { return d.broken != None }

// SetRoom decides what Room tells.
func (d *Disk) SetRoom(free uint64, low bool) { d.free, d.low = free, low }

// Head is the last LSN that was ever reported durable.
func (d *Disk) Head() uint64 { return d.head.lsn }

// Size is the number of bytes in groups.
func (d *Disk) Size() (n int) {
	for _, g := range d.groups {
		n += len(g)
	}
	return n
}

// end is the last LSN of a group that this package wrote; 0 if its bytes were changed since.
func end(group []byte) uint64 { return headOf(group).lsn }

func headOf(group []byte) head {
	g, err := wal.DecodeGroup(group)
	if err != nil {
		return head{}
	}
	return head{g.Epoch, g.Mark, g.Last()}
}

// write puts the groups of one Append on the disk, as the failure that was asked for allows.
func (d *Disk) write(l *Log, groups [][]byte) error {
	if d.owner != l {
		return errLost
	}
	failure := cmp.Or(d.failure, d.broken)
	d.failure = None
	if failure == FailedLost {
		return errInjected
	}
	d.groups = append(d.groups, groups...)
	if failure == FailedWritten {
		return errInjected
	}
	d.synced = len(d.groups)
	if failure == FailedKept {
		return errInjected
	}
	d.head = headOf(groups[len(groups)-1])
	return nil
}

// carry keeps the commit records under users' keys of groups that are dropped.
func (d *Disk) carry(r wal.Record) {
	if body, ok := r.Body.(wal.CommitBody); ok && body.Key != "" && !body.OwnKey {
		d.carried = append(d.carried, r)
	}
}
