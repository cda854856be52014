// Package killed makes, for tests, what SIGKILL would leave of a data directory that this process has open: a copy of
// its files as the system holds them at one moment.
//
// Badger flushes and compacts by itself, so a walk over the directory may see files of different moments; the copy is
// made again until nothing has changed meanwhile. The caller writes nothing while it is made.
//
//	open directory ──fingerprint──copy──fingerprint──▶ the same? then a killed process would have left this copy
package killed
