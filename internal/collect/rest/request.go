package rest

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/collect/decode"
	"github.com/leewayhq/leeway/internal/event"
)

// request is one request on its way.
type request struct {
	*Handler
	w     http.ResponseWriter
	r     *http.Request
	kind  event.Kind
	model string
	bytes int64 // of the body, as they came
	held  int64 // of Handler.inFlight
	body  *[]byte
}

func (q *request) take() (*decode.Result, error) {
	if err := q.address(); err != nil {
		return nil, err
	}
	dec, ok := decoderOf(q.r.Header.Get("Content-Type"))
	if !ok || q.kind == event.Logs && !dec.takesLogs(q.r) {
		return nil, unsupportedType(q.r.Header.Get("Content-Type"))
	}
	opts, flags, err := q.options()
	if err != nil {
		return nil, err
	}
	batchID := q.r.Header.Get("Leeway-Batch-Id")
	if len(batchID) > maxBatchID {
		return nil, access.Problem{Status: http.StatusBadRequest, Code: "bad_batch_id", Detail: fmt.Sprintf("Leeway-Batch-Id is longer than %d characters", maxBatchID)}
	}
	body, err := q.read()
	if err != nil {
		return nil, err
	}
	res, err := dec(body, opts)
	if err != nil {
		return nil, hint(err, body)
	}
	return res, q.put(res, batchID, flags)
}

const maxBatchID = 128

// put hands the batch on. A batch id of the header goes before one of a frame.
func (q *request) put(res *decode.Result, batchID string, flags event.Flags) error {
	b := res.Batch
	if batchID != "" {
		b.BatchID = batchID
	}
	if len(b.BatchID) > maxBatchID {
		return access.Problem{Status: http.StatusBadRequest, Code: "bad_batch_id", Detail: fmt.Sprintf("the frame's batch id is longer than %d characters", maxBatchID)}
	}
	b.Flags |= flags
	if b.Rows == 0 {
		return nil
	}
	return q.cfg.Put(q.r.Context(), b)
}

// takesLogs tells whether log lines come in this format.
func (decoder) takesLogs(r *http.Request) bool {
	t := r.Header.Get("Content-Type")
	return strings.Contains(t, "json") || strings.Contains(t, "leeway.batch")
}

// address reads the model and the kind from the path.
func (q *request) address() error {
	if strings.HasSuffix(q.r.URL.Path, "/api/v1/logs") && q.r.PathValue("model") == "" {
		q.kind = event.Logs
		return nil
	}
	for _, k := range []event.Kind{event.Predictions, event.Labels, event.Reference} {
		if q.r.PathValue("kind") == k.String() {
			q.kind = k
		}
	}
	if q.kind == 0 {
		return access.Problem{Status: http.StatusNotFound, Code: "not_found", Detail: "rows are sent to …/predictions, …/labels or …/reference"}
	}
	if name := q.r.PathValue("model"); !validModel(name) {
		return access.Problem{Status: http.StatusBadRequest, Code: "bad_model_name", Detail: "a model's name is 1 to 128 letters, digits, dots, hyphens and underscores"}
	}
	q.model = q.r.PathValue("model")
	return nil
}

func validModel(name string) bool {
	if name == "" || len(name) > 128 || name == "." || name == ".." {
		return false
	}
	for _, c := range []byte(name) {
		if c|0x20-'a' > 25 && c-'0' > 9 && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// parameters are what a query may say, and what for.
var parameters = map[string]string{
	"map":    "columns of the roles: id=…,time=…,prediction=…",
	"time":   "the time of rows without one",
	"zone":   "the zone of times that name none, such as Europe/Berlin",
	"import": "true for history: it pages nobody, and its batch id is remembered for ever",
}

// options are those of the configuration and of the query.
func (q *request) options() (o *decode.Options, flags event.Flags, err error) {
	o = &decode.Options{
		Kind: q.kind, Model: q.model, Now: q.cfg.Now().UnixMilli(),
		Limits: q.cfg.Limits, FutureLimit: q.cfg.FutureLimit, PastLimit: q.cfg.PastLimit,
	}
	if q.cfg.Zone != nil {
		o.Zone = q.cfg.Zone(q.model)
	}
	if q.r.URL.RawQuery == "" {
		return o, 0, nil
	}
	query := q.r.URL.Query()
	for name := range query {
		if _, ok := parameters[name]; !ok {
			return nil, 0, badParameter(name, "is not one of "+strings.Join(slices.Sorted(maps.Keys(parameters)), ", "))
		}
	}
	if o.Map, err = decode.ParseMap(query.Get("map")); err != nil {
		return nil, 0, badParameter("map", err.Error())
	}
	if s := query.Get("zone"); s != "" {
		if o.Zone, err = time.LoadLocation(s); err != nil || s == "Local" {
			return nil, 0, badParameter("zone", "is not the name of a time zone")
		}
	}
	if s := query.Get("time"); s != "" {
		if o.DefaultTime, err = decode.ParseTime(s, o.Zone); err != nil {
			return nil, 0, badParameter("time", err.Error())
		}
	}
	if s := query.Get("import"); s != "" {
		yes, err := strconv.ParseBool(s)
		if err != nil {
			return nil, 0, badParameter("import", "is not true or false")
		}
		if yes {
			flags = event.Imported | event.KeepBatchID
		}
	}
	return o, flags, nil
}

// pooled buffers are not larger than this; a rare large body must not stay.
const maxPooled = 8 << 20

// read reads the whole body. The bytes belong to the request until release.
func (q *request) read() ([]byte, error) {
	if limit := q.cfg.Limits.BodyBytes; q.r.ContentLength > limit {
		return nil, &decode.LimitError{What: "bytes of body", Limit: limit}
	}
	if q.body, _ = q.buffers.Get().(*[]byte); q.body == nil {
		q.body = new([]byte)
	}
	var err error
	*q.body, err = q.readBody((*q.body)[:0])
	return *q.body, err
}

// release lets the next request have the body's memory. The batch shares it, so
// nobody may keep the batch or a string of it: Put does not once it has
// returned, and this comes after the answer.
func (q *request) release() {
	q.inFlight.Release(q.held)
	if q.body != nil && cap(*q.body) <= maxPooled {
		q.buffers.Put(q.body)
	}
}

func (q *request) readBody(dst []byte) ([]byte, error) {
	b := decode.Body{Encoding: strings.ToLower(q.r.Header.Get("Content-Encoding")), Limit: q.cfg.Limits.BodyBytes, Room: q.room}
	if b.Encoding == "" || b.Encoding == "identity" {
		b.Size = max(q.r.ContentLength, 0)
	}
	paced := &decode.Paced{
		R: http.MaxBytesReader(q.w, q.r.Body, b.Limit), Conn: http.NewResponseController(q.w),
		Idle: q.cfg.IdleTimeout, End: time.Now().Add(q.cfg.ReadTimeout),
	}
	dst, err := q.inflater.Read(dst, paced, b)
	q.bytes = paced.Came
	return dst, err
}

// room sets memory aside, up to size bytes for this body. A sender gets it as
// its bytes come, so that who sends nothing holds next to nothing.
func (q *request) room(size int64) error {
	more := size - q.held
	if !q.inFlight.TryAcquire(more) {
		ctx, cancel := context.WithTimeout(q.r.Context(), q.cfg.RoomTimeout)
		defer cancel()
		if q.inFlight.Acquire(ctx, more) != nil {
			return &decode.RetryError{Class: decode.ErrFull, After: time.Second}
		}
	}
	q.held = size
	return nil
}
