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

// The webhook has the message, and the disk dies before anything else.
func TestAnEndIsToldWhenTheBeginningWasCutOff(t *testing.T) {
	for name, fires := range map[string]bool{"it ended meanwhile": false, "it fires still": true} {
		t.Run(name, func(t *testing.T) {
			h := newHook(t)
			disk := vfs.NewCrashableMem()
			cut := make(chan *vfs.MemFS, 1)
			h.during = func() { cut <- disk.CrashClone(vfs.CrashCloneCfg{}) }
			n := open(t, func(c *Config) { c.Settings = h.settings(); c.FS = disk })
			a := firing("accuracy_low", "critical", "fraud")
			put(t, n, a)
			after := <-cut
			n.Close()
			h.reset()
			n = open(t, func(c *Config) { c.Settings = h.settings(); c.FS = after })
			want := "firing"
			if !fires {
				a, want = ended(a), "resolved"
			}
			put(t, n, a)
			eventually(t, want+" is told", func() bool { m := h.messages(); return len(m) == 1 && m[0].Status == want })
		})
	}
}
