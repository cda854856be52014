// Package counters tells a measuring parent what a server has cost so far: it answers SIGUSR1 with a line of JSON on
// stdout. Only servers that were started with the hidden flag --counters do.
//
//	parent ── SIGUSR1 ──▶ server ── {"cpu_us":…,"syncs":…} ──▶ parent
package counters
