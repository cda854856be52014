// Package joined proves work that enters by the services' own calls, against a real server: what calls have written in
// several databases is there in all of them or in none, whatever is lost, killed or left alone on the way.
//
//	client ── call ──▶ service a ── call ──▶ service b ── call ──▶ service c     each with a participant beside it
//	   │                  │ postgres.Tx           │                    │          and a database of its own
//	   └── Commit ──▶ coordinator ── Prepare, Commit ──▶ the three participants
package joined
