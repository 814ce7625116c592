// Package ui holds the built web dashboard as files inside the binary.
//
// `npm ci && npm run build` in this folder writes dist/: index.html, hashed
// files under assets/, and a .br and a .gz next to every text file. Without
// Node the folder holds only a placeholder, the binary still compiles, and
// Built reports false so that the server can say how to get the pages.
package ui

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// FS returns the built dashboard, rooted so that "index.html" is at its top.
func FS() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		// "dist" is a constant, valid path; Sub fails on invalid paths only.
		panic(err)
	}
	return sub
}

// Built tells whether the dashboard was built before the binary was.
func Built() bool {
	_, err := fs.Stat(FS(), "index.html")
	return err == nil
}
