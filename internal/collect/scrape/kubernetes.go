//go:build !no_kubernetes

package scrape

// The client of Kubernetes is a fifth of the program and takes a minute and a
// half to compile; -tags no_kubernetes leaves it out.
import _ "github.com/prometheus/prometheus/discovery/kubernetes"
