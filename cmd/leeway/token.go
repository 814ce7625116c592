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
	if err := fs.Parse(args); err != nil {
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
	words := fs.Args()
	switch {
	case len(words) == 3 && words[0] == "create":
		return createToken(std, store, words[1], words[2])
	case len(words) == 1 && words[0] == "list":
		return listTokens(std, store)
	case len(words) == 2 && words[0] == "revoke":
		return store.Revoke(words[1])
	}
	fs.Usage()
	return errUsage
}

func createToken(std stdio, store *access.Store, name, roleName string) error {
	role, err := access.ParseRole(roleName)
	if err != nil {
		return err
	}
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
