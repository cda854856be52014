package protocol

// NameOf is a message's stable name: traces and failpoints are called after it.
func NameOf(b Body) string {
	switch b.(type) {
	case Hello:
		return "hello"
	case Prepare:
		return "prepare"
	case Commit:
		return "commit"
	case Abort:
		return "abort"
	case Answer:
		return "answer"
	case List:
		return "list"
	case Welcome:
		return "welcome"
	case Vote:
		return "vote"
	case Fated:
		return "fate"
	case Fenced:
		return "fenced"
	case Inquiry:
		return "inquiry"
	case Listed:
		return "listed"
	default:
		return "unknown"
	}
}
