package otlp

import (
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/leewayhq/leeway/internal/access"
)

// Handlers are those of HTTP, by path. Who may send is decided before them.
func (r *Receiver) Handlers() map[string]http.Handler {
	out := map[string]http.Handler{}
	for _, s := range r.signals {
		out[s.path] = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { r.serve(s, w, req) })
	}
	return out
}

func (r *Receiver) serve(s *signal, w http.ResponseWriter, req *http.Request) {
	q := &request{}
	answer, came, err := r.receive(s, w, req, q)
	// The server lifts it after this answer. The error is that of a connection
	// without deadlines, as in tests.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(r.cfg.WriteTimeout))
	code := http.StatusOK
	if err != nil {
		p := r.problem(err, s)
		code = p.Status
		answer = refusal(&p, q.format)
		if p.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(seconds(p.RetryAfter)))
		}
	}
	r.metrics.request(s.name, "http", code, came)
	w.Header().Set("Content-Type", contentTypes[q.format])
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(answer) // the client went away; what was taken is safe
}

var contentTypes = [...]string{protobuf: "application/x-protobuf", asJSON: "application/json"}

func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

func (r *Receiver) receive(s *signal, w http.ResponseWriter, req *http.Request, q *request) (answer []byte, came int64, err error) {
	kind, _, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	switch {
	case err == nil && kind == contentTypes[protobuf]:
	case err == nil && kind == contentTypes[asJSON]:
		q.format = asJSON
	default:
		return nil, 0, access.Problem{Status: http.StatusUnsupportedMediaType, Code: "unsupported_type", Detail: "send application/x-protobuf or application/json"}
	}
	body, err := r.bodies.Read(w, req, strings.ToLower(req.Header.Get("Content-Encoding")))
	defer body.Release()
	if err != nil {
		return nil, body.Came, err
	}
	q.data = body.Data
	answer, err = r.export(req.Context(), s, q, body)
	return answer, body.Came, err
}

// refusal is a google.rpc.Status, which OTLP wants of every error.
func refusal(p *access.Problem, f format) []byte {
	st := status.New(codeOf(p.Status), p.Error())
	if f == asJSON {
		b, err := json.Marshal(map[string]any{"code": int(st.Code()), "message": st.Message()})
		if err != nil { // not of these types
			return []byte("{}")
		}
		return b
	}
	b, err := proto.Marshal(st.Proto())
	if err != nil { // a message that is not UTF-8
		return nil
	}
	return b
}
