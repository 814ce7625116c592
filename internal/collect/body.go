package collect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/leewayhq/leeway/internal/access"
	"github.com/leewayhq/leeway/internal/collect/decode"
)

// BodyLimits bound what senders can make a source keep. Zeros are the defaults.
type BodyLimits struct {
	Bytes       int64         // of one body, as it comes and decompressed: 32 MiB
	InFlight    int64         // of all bodies at one time: 8 of the largest
	ReadTimeout time.Duration // of a whole body: 1 minute
	IdleTimeout time.Duration // while nothing comes: 10 seconds
	RoomTimeout time.Duration // how long a body waits for a part of InFlight: 1 second
}

// WithDefaults fills the zeros.
func (l BodyLimits) WithDefaults() BodyLimits {
	l.Bytes = cmp.Or(l.Bytes, 32<<20)
	l.InFlight = max(cmp.Or(l.InFlight, 8*l.Bytes), l.Bytes)
	l.ReadTimeout = cmp.Or(l.ReadTimeout, time.Minute)
	l.IdleTimeout = cmp.Or(l.IdleTimeout, 10*time.Second)
	l.RoomTimeout = cmp.Or(l.RoomTimeout, time.Second)
	return l
}

// Bodies reads the bodies of requests within their limits, for sources that
// need all of a body at once. It is safe for use by many goroutines.
type Bodies struct {
	limits   BodyLimits
	inflater decode.Inflater
	inFlight *semaphore.Weighted
}

// NewBodies makes a reader of bodies.
func NewBodies(l BodyLimits) *Bodies {
	l = l.WithDefaults()
	return &Bodies{limits: l, inFlight: semaphore.NewWeighted(l.InFlight)}
}

// Body is what was read. Release lets go of its share of the memory.
type Body struct {
	Data []byte
	// Came is how many bytes came, before decompression.
	Came int64

	bodies *Bodies
	ctx    context.Context
	held   int64
}

// Read reads the body of r, which is compressed as the encoding says (identity,
// gzip or zstd). Release must be called whether it fails or not.
func (b *Bodies) Read(w http.ResponseWriter, r *http.Request, encoding string) (*Body, error) {
	body := &Body{bodies: b, ctx: r.Context()}
	l := &b.limits
	if r.ContentLength > l.Bytes {
		return body, &decode.LimitError{What: "bytes of body", Limit: l.Bytes}
	}
	how := decode.Body{Encoding: encoding, Limit: l.Bytes, Room: body.Room}
	if encoding == "" || encoding == "identity" {
		how.Size = max(r.ContentLength, 0)
	}
	paced := &decode.Paced{
		R: http.MaxBytesReader(w, r.Body, l.Bytes), Conn: http.NewResponseController(w),
		Idle: l.IdleTimeout, End: time.Now().Add(l.ReadTimeout),
	}
	var err error
	body.Data, err = b.inflater.Read(nil, paced, how)
	body.Came = paced.Came
	return body, err
}

// Share is the memory of a body that comes in another way than by HTTP.
// Release must be called.
func (b *Bodies) Share(ctx context.Context) *Body { return &Body{bodies: b, ctx: ctx} }

// Room sets memory aside, so that the body has size bytes in all.
func (b *Body) Room(size int64) error {
	more := min(size, b.bodies.limits.InFlight) - b.held
	if more <= 0 {
		return nil
	}
	if !b.bodies.inFlight.TryAcquire(more) {
		ctx, cancel := context.WithTimeout(b.ctx, b.bodies.limits.RoomTimeout)
		defer cancel()
		if b.bodies.inFlight.Acquire(ctx, more) != nil {
			return &decode.RetryError{Class: decode.ErrFull, After: time.Second}
		}
	}
	b.held += more
	return nil
}

// Release gives the memory back. The data must not be used after it.
func (b *Body) Release() {
	b.bodies.inFlight.Release(b.held)
	b.held, b.Data = 0, nil
}

// Problem is the answer to an error of Bodies.Read or of Door.Put. What it does
// not know is a fault of the server's own, which the caller logs.
func Problem(err error) (p access.Problem, known bool) {
	var tooLong *http.MaxBytesError
	var limit *decode.LimitError
	switch {
	case errors.As(err, &p):
	case errors.As(err, &tooLong):
		p = access.Problem{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Detail: fmt.Sprintf("more than %d bytes of body; send less at a time", tooLong.Limit)}
	case errors.As(err, &limit):
		p = access.Problem{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Detail: fmt.Sprintf("more than %d %s; send less at a time", limit.Limit, limit.What)}
	case errors.Is(err, decode.ErrTooLarge):
		p = access.Problem{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Detail: err.Error()}
	case errors.Is(err, decode.ErrEncoding):
		p = access.Problem{Status: http.StatusUnsupportedMediaType, Code: "unsupported_encoding", Detail: err.Error()}
	case errors.Is(err, os.ErrDeadlineExceeded):
		p = access.Problem{Status: http.StatusRequestTimeout, Code: "body_too_slow", Detail: "the body did not arrive in time"}
	case errors.Is(err, io.ErrUnexpectedEOF):
		p = access.Problem{Status: http.StatusBadRequest, Code: "bad_body", Detail: "the body ended before its announced length"}
	case errors.Is(err, decode.ErrTooFast):
		p = access.Problem{Status: http.StatusTooManyRequests, Code: "too_fast", Detail: err.Error(), RetryAfter: retryAfter(err)}
	case errors.Is(err, decode.ErrFull):
		p = access.Problem{Status: http.StatusServiceUnavailable, Code: "full", Detail: err.Error(), RetryAfter: retryAfter(err)}
	case errors.Is(err, decode.ErrReadOnly):
		p = access.Problem{Status: http.StatusServiceUnavailable, Code: "read_only", Detail: err.Error()}
	case errors.Is(err, context.Canceled):
		p = access.Problem{Status: http.StatusServiceUnavailable, Code: "cancelled", Detail: "the request was cancelled before its rows were safe; send it again", RetryAfter: time.Second}
	default:
		return access.Problem{Status: http.StatusInternalServerError, Code: "internal", Detail: "nothing was taken; the server's log says why"}, false
	}
	return p, true
}

func retryAfter(err error) time.Duration {
	var retry *decode.RetryError
	if errors.As(err, &retry) {
		return max(retry.After, time.Second)
	}
	return 5 * time.Second
}
