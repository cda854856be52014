// Command txc runs transactions that commit everywhere or nowhere, the coordinator that decides them, and the tools of
// whoever operates it. `txc demo` tells what it does; `txc help` lists the commands.
//
//	txc run -f tx.yaml ──▶ coordinator (txc serve) ──▶ participants (participant-demo, or yours)
//	txc list, show, watch, participants, resolve, … ──▶ coordinator
//	txc log verify, txc accept loss --data …        ──▶ the log itself, with the coordinator stopped
package main

import "github.com/txc-dev/txc/cmd/internal/console"

func main() { console.Main(run) }
