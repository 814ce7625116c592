//go:build !no_kubernetes

package scrape

import "testing"

func TestKubernetesIsKnown(t *testing.T) {
	s, err := Parse([]byte("- job_name: a\n  kubernetes_sd_configs: [{role: pod, api_server: \"https://k\"}]\n"), "/etc")
	if err != nil || len(s.jobs[0].ServiceDiscoveryConfigs) != 1 {
		t.Fatal(s, err)
	}
}
