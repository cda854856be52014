// Package children starts servers as processes of their own from a program's own executable, waits for their ready
// lines, and ends them: what the demonstration and the benchmark are made of.
//
//	Start ─▶ exec ─▶ {"listening":…}  ─▶ Child ─▶ Ask (SIGUSR1: a line of counters)
//	                 or: no ready line            └▶ Stop (SIGTERM), Kill (SIGKILL), Died
//
// No child outlives Group.KillAll.
package children
