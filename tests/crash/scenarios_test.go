package crash_test

import "github.com/txc-dev/txc/tests/internal/campaign"

// scenario is a course of things. Its steps go on until the armed point is passed; then everything is brought up again.
type scenario struct {
	name  string
	steps []step
	// after is what a person does once everything is up again. It is done again if it does not succeed at once.
	after step
	mixed bool // a client may hear that a branch stands against the decision
	lost  bool // the log is an old copy in the end: it cannot answer for what was told
}

// The two participants: the other one is always a key-value store.
const (
	victim = "bank-b"
	other  = "bank-a"
)

// Faults that a scenario needs to come to its point: they are armed at others than the victim, or at an earlier start.
const (
	undecidedDies = "coordinator/append-commit=kill" // all have voted, and nothing was decided
	decidedDies   = "coordinator/send-commit=kill"   // decided, and told to nobody
	deafToCommit  = "participant/receive-commit=stop"
	deafToPrepare = "participant/receive-prepare=stop"
	slowToPrepare = "participant/receive-prepare=delay:300ms"
	promisedDies  = "participant/prepare-written=kill"
)

var (
	// commit is a transfer, after a start that a fault may have struck already.
	commit = &scenario{name: "a commit", steps: steps(arm(), registered, begin("t"), ended("t"))}

	// decided is a commit whose client does not wait for the branches.
	decided = &scenario{name: "a decision", steps: steps(arm(), registered, beginForDecision("t"), ended("t"))}

	// crowd is many at once: some are on their way to the disk while others are told.
	crowd = &scenario{name: "a crowd", steps: steps(arm(), registered, beginCrowd, crowdEnded)}

	// abort ends a promise: the other branch says No after it was given.
	abort = &scenario{name: "an abort", steps: steps(
		tool(other, slowToPrepare), arm(), registered, beginImpossible("t"), ended("t"))}

	// oneWaits: one branch has acknowledged, and the other does not for so long that it is noted.
	oneWaits = &scenario{name: "one branch waits", steps: steps(
		tool(victim, deafToCommit), arm(), registered, begin("t"), stopped(victim))}

	resolved = &scenario{name: "resolved at the coordinator", steps: steps(
		tool(victim, deafToCommit), arm(), registered, beginByHand("t"), stopped(victim), resolve("t", "commit"))}

	resolvedAgainst = &scenario{name: "resolved against the decision", mixed: true, after: acknowledged("t"), steps: steps(
		tool(victim, deafToCommit), arm(), registered, beginByHand("t"), stopped(victim), resolve("t", "abort"))}

	settled = &scenario{name: "settled at the participant", steps: steps(
		tool("coordinator", decidedDies), arm(), registered, beginByHand("t"), dies("coordinator"), settle("t", "commit"), start("coordinator"), registered)}

	settledAgainst = &scenario{name: "settled against the decision", mixed: true, after: acknowledged("t"), steps: steps(
		tool("coordinator", decidedDies), registered, beginByHand("t"), dies("coordinator"), settle("t", "abort"), arm(), registered)}

	// asked: both branches ask a coordinator that has started anew; asks is the same seen from a branch.
	asked = &scenario{name: "asked after a restart", steps: steps(
		tool("coordinator", undecidedDies), registered, begin("t"), dies("coordinator"), arm(), registered)}
	asks = &scenario{name: "asks after a restart", steps: steps(
		tool("coordinator", undecidedDies), arm(), registered, begin("t"), dies("coordinator"), start("coordinator"), registered)}

	// alone: the coordinator stays away, so that a branch asks without a link.
	alone = &scenario{name: "asks alone", steps: steps(
		tool("coordinator", undecidedDies), arm(), registered, begin("t"), dies("coordinator"))}

	// presumed: a member stays away, and its fellow is told an abort without it.
	presumed = &scenario{name: "presumed", steps: steps(
		tool("coordinator", undecidedDies), registered, begin("t"), dies("coordinator"), kill(other), arm("--presume-after", "1s"))}

	// oldCopy: the log is an old copy; oldCopySeen is the same seen from a participant.
	oldCopy = &scenario{name: "an old copy of the log", lost: true, after: lossAccepted, steps: steps(
		registered, stop("coordinator"), copyLog, start("coordinator"), registered, begin("t"), ended("t"), stop("coordinator"), oldLog, arm())}
	oldCopySeen = &scenario{name: "an old copy of the log is seen", lost: true, after: lossAccepted, steps: steps(
		registered, stop("coordinator"), copyLog, start("coordinator"), registered, begin("t"), ended("t"), stop("coordinator"), oldLog,
		stop(other), arm(), launch("coordinator"))} // the other one would see it too, and the coordinator stop itself at once

	moved = &scenario{name: "a new address", steps: steps(arm(), registered, begin("t"), ended("t"), move(victim), registered)}

	removed = &scenario{name: "a removal", after: removedAndBack(victim), steps: steps(arm(), registered, begin("t"), ended("t"), remove(victim))}

	// orphan: a promise that nobody heard of comes back after its transaction was given up.
	orphan = &scenario{name: "an orphan", steps: steps(
		tool(victim, promisedDies), arm(), registered, begin("t"), dies(victim), start(victim), registered)}

	// cancel: a branch waits for the lock of another transaction, and is given up while it does.
	cancel = &scenario{name: "cancelled while it waits", steps: steps(
		tool(other, deafToPrepare), arm(), registered, open("older"), beginByHand("t"), votes("t", victim, "yes"),
		commitOpen("older"), state("older", "voting"), giveUp("older"))}

	// passing: transactions come and go, so that the watermark passes and the store is told to forget.
	passing = &scenario{name: "transactions pass", steps: steps(arm(), registered, begin("t"), ended("t"), more)}

	// reopened: a coordinator starts anew, and its opening is made durable at the participant before it is answered.
	reopened = &scenario{name: "a new opening", steps: steps(arm(), registered, begin("t"), ended("t"), stop("coordinator"), start("coordinator"), registered)}
)

// legs are those of a transfer on an account of its own turn.
func legs(account int, by int64) []campaign.Leg {
	return []campaign.Leg{{Participant: other, Account: account, By: -by}, {Participant: victim, Account: account, By: by}}
}
