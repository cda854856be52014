// Package txfile reads the transaction file of `txc run`: YAML or JSON, every key known, every limit checked before
// anything is sent.
//
//	tx.yaml ──parse──▶ a tree with lines ──walk──▶ Tx: timeout, key, labels, wait
//	                                                   branches: participant + a serialized txc.v1.Work
//
// Keys that are not known, said twice, or of the wrong type are errors that name line and key; so are aliases, tags
// and a second document: a file says one thing, once. Text is taken as it is written: `value: 0x10` is the four
// characters 0x10.
package txfile
