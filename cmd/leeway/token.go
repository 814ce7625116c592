package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"text/tabwriter"

	"github.com/leewayhq/leeway/internal/access"
)

const tokenUsage = `[--data DIR] create NAME ROLE | list | revoke ID

Roles: ingest may send, read may look, edit may do both and change rules, admin may do everything.
A running server sees the change within a second.`

func token(_ context.Context, std stdio, args []string) error {
	var f serverFlags
	fs := flags(std, "token", tokenUsage)
	fs.StringVar(&f.data, "data", "", "data `folder` (default ./leeway-data)")
	fs.StringVar(&f.config, "config", "", "configuration `file` (optional)")
	if err := parseSome(fs, args); err != nil {
		return err
	}
	do, err := tokenAction(std, fs.Args())
	if err != nil {
		return err
	}
	if do == nil {
		fs.Usage()
		return errUsage
	}
	cfg, err := f.load()
	if err != nil {
		return err
	}
	store, err := access.OpenStore(filepath.Join(cfg.Data, "access"), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	return do(store)
}

// tokenAction is what the words ask for, nil for nothing that there is. It is
// known before the store is opened, which makes a folder where there is none.
func tokenAction(std stdio, words []string) (func(*access.Store) error, error) {
	switch {
	case len(words) == 3 && words[0] == "create":
		role, err := access.ParseRole(words[2])
		return func(s *access.Store) error { return createToken(std, s, words[1], role) }, err
	case len(words) == 1 && words[0] == "list":
		return func(s *access.Store) error { return listTokens(std, s) }, nil
	case len(words) == 2 && words[0] == "revoke":
		return func(s *access.Store) error { return s.Revoke(words[1]) }, nil
	}
	return nil, nil
}

func createToken(std stdio, store *access.Store, name string, role access.Role) error {
	secret, t, err := store.Create(name, role)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.err, "Token %s (%s, %s). It is shown once:\n", t.ID, t.Name, t.Role)
	_, err = fmt.Fprintln(std.out, secret)
	return err
}

func listTokens(std stdio, store *access.Store) error {
	w := tabwriter.NewWriter(std.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME\tROLE")
	for _, t := range store.List() {
		fmt.Fprintf(w, "%s\t%s\t%s\n", t.ID, t.Name, t.Role)
	}
	return w.Flush()
}
