package notify

import (
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/prometheus/alertmanager/nflog/nflogpb"
)

func TestAnEntryOfTheNotificationLogIsOnDiskWhenLogReturns(t *testing.T) {
	disk := vfs.NewCrashableMem()
	n := open(t, func(c *Config) { c.FS = disk })
	log := durableLog{n.nflog, n.store}
	r := &nflogpb.Receiver{GroupName: "hook", Integration: "webhook"}
	if err := log.Log(r, "group", []uint64{1}, nil, nil, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := log.Log(r, "short", []uint64{1}, nil, nil, time.Nanosecond); err != nil {
		t.Fatal(err)
	}
	disk = disk.CrashClone(vfs.CrashCloneCfg{})
	n.Close()
	count := func(n *Notifier) (found int) {
		if err := n.store.each(prefixNflog, func(_, _ []byte) error { found++; return nil }); err != nil {
			t.Fatal(err)
		}
		return found
	}
	// The second one was over before anybody opened the store again.
	if n = open(t, func(c *Config) { c.FS = disk }); count(n) != 1 {
		t.Errorf("%d entries, want 1", count(n))
	}
	if err := n.store.sweep(time.Now().Add(2 * time.Hour)); err != nil || count(n) != 0 {
		t.Errorf("%d entries after they were over, %v", count(n), err)
	}
}
