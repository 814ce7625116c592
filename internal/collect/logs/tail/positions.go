package tail

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const (
	positionsName    = "positions.json"
	positionsVersion = 1
	maxPositions     = 64 << 20
)

// positions is the file of positions, docs/formats/logs.md.
type positions struct {
	Version  int        `json:"version"`
	Patterns []string   `json:"patterns"`
	Files    []keptFile `json:"files"`
	Pending  *pending   `json:"pending,omitempty"`
}

type keptFile struct {
	identity
	Path     string
	Position int64
	Skip     bool `json:",omitempty"`
	print
}

// pending is a round that the door may or may not have taken.
type pending struct {
	ID    string
	Parts []pendingPart
}

type pendingPart struct {
	identity
	Path     string
	From, To int64
}

// load reads the file of positions; nil when there is none.
func load(dir string) (*positions, error) {
	path := filepath.Join(dir, positionsName)
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("tail: %w", err)
	}
	if info.Size() > maxPositions {
		return nil, fmt.Errorf("tail: %s has %d bytes, at most %d are believed", path, info.Size(), maxPositions)
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("tail: %w", err)
	}
	p := new(positions)
	if err := json.Unmarshal(body, p); err != nil {
		return nil, fmt.Errorf("tail: %s is damaged (%w): move it away to begin anew; lines may then be missing or stand twice", path, err)
	}
	if p.Version != positionsVersion {
		return nil, fmt.Errorf("tail: %s has version %d, this program knows %d", path, p.Version, positionsVersion)
	}
	return p, nil
}

// save replaces the file of positions; it is on disk when it returns nil.
func (p *positions) save(dir string) error {
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, positionsName)
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
