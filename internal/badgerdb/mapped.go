package badgerdb

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// mapped is a file in memory, for reading.
type mapped struct {
	path string
	data []byte
}

func mapFile(path string) (*mapped, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("look at %s: %w", path, err), file.Close())
	}
	m := &mapped{path: path}
	if info.Size() > 0 {
		m.data, err = syscall.Mmap(int(file.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_PRIVATE)
		if err != nil {
			err = fmt.Errorf("map %s: %w", path, err)
		}
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *mapped) close() error {
	if m == nil || m.data == nil {
		return nil
	}
	data := m.data
	m.data = nil
	if err := syscall.Munmap(data); err != nil {
		return fmt.Errorf("unmap %s: %w", m.path, err)
	}
	return nil
}
