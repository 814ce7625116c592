package endtoend

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leewayhq/leeway/client"
	"github.com/leewayhq/leeway/test/server"
)

// predicted counts a model's predictions as the dashboard does.
func predicted(s *server.Server, model string) (n int64) {
	windows, err := s.Quality(model, "from=now-1d&to=now%2B1h&step=1M")
	if err != nil {
		return 0
	}
	for _, w := range windows {
		n += w.Predictions
	}
	return n
}

// The Go client loses nothing and counts nothing twice when the server is
// killed, the client's process ends meanwhile, and answers are cut off.
func TestClientWithASpool(t *testing.T) {
	s := server.New(t, "")
	s.Start()
	target, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	var cut atomic.Int32 // answers that are still to be lost
	cut.Store(5)
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, // no X-Forwarded-For: open access is for this machine
		ModifyResponse: func(*http.Response) error {
			if cut.Add(-1) >= 0 {
				panic(http.ErrAbortHandler)
			}
			return nil
		},
	}
	front := httptest.NewServer(proxy)
	defer front.Close()
	ctx, cancel := context.WithTimeout(t.Context(), server.Deadline)
	defer cancel()
	options := client.Options{
		Spool: filepath.Join(t.TempDir(), "spool"), BatchSize: 10, FlushInterval: 5 * time.Millisecond,
		RetryMin: time.Millisecond, RetryMax: 20 * time.Millisecond,
	}
	first := client.New(front.URL, options)
	send := func(c *client.Client, n int) {
		for i := range n {
			c.Predict(client.Prediction{Model: "m", Prediction: i % 2}) // no ids: the batch's id alone makes retries one
		}
	}
	send(first, 95)
	if err := first.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if st := first.Stats(); st.Sent != 95 || st.Retries < 5 {
		t.Fatalf("%+v", st)
	}
	s.Kill()
	send(first, 55)
	ended, stop := context.WithCancel(ctx)
	stop()
	if err := first.Close(ended); err == nil {
		t.Fatal("closed though the server is away")
	}
	if st := first.Stats(); st.Spooled != 55 || st.Failed+st.Dropped+st.Rejected != 0 {
		t.Fatalf("%+v", st)
	}
	s.Start()
	second := client.New(front.URL, options)
	send(second, 5)
	if err := second.Close(ctx); err != nil {
		t.Fatal(err)
	}
	server.Wait(t, func() string { return "predictions" }, func() bool { return predicted(s, "m") >= 155 })
	// What is behind them in the log has been folded, too, once a later label is.
	s.Send("/api/v1/models/m/predictions", rows("z", 1, even))
	server.Wait(t, func() string { return "the last prediction" }, func() bool { return predicted(s, "m") >= 156 })
	if n := predicted(s, "m"); n != 156 {
		t.Errorf("%d predictions count, 156 were made", n)
	}
}
