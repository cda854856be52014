// Package mounts gives tests file systems of their own: ext4 on a loop device, whose power can be cut, and small ones in
// memory, that can be full.
//
//	Ext4   image file ── loop device ── mkfs ── mount        Cut: what was not synced is gone, at once
//	Tmpfs  mount                                            as small as is wanted
//
// All of it bears the name txc-disk-<pid>-…: the source in the mount table, or the loop device's image. Main takes away
// what its own run leaves, at an interrupt too, and what earlier runs left that could not. The mounts themselves are in a
// mount namespace that ends with the run.
package mounts
