// Package grpcleeway records the calls of a model's gRPC service in Leeway.
//
//	watch := grpcleeway.Interceptor{Client: c, Model: "credit-risk",
//		Methods: []string{"/risk.v1.Risk/Score"},
//		Describe: func(call grpcleeway.Call, p *client.Prediction) bool {
//			request, answer := call.Request.(*risk.ScoreRequest), call.Answer.(*risk.ScoreAnswer)
//			p.ID, p.Prediction, p.Score = request.Id, answer.Label, client.Float(answer.Score)
//			return true
//		}}
//	grpc.NewServer(grpc.ChainUnaryInterceptor(watch.Unary), grpc.ChainStreamInterceptor(watch.Stream))
//
// A call is recorded with its latency and, where it failed, with its code. Codes
// that tell of the caller's mistake (InvalidArgument, NotFound, Unauthenticated
// and the like) or that it went away (Canceled) are not recorded. A panic is
// recorded and goes on. It is a package of its own so that only those who use
// gRPC compile it; it starts no goroutine.
package grpcleeway

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/leewayhq/leeway/client"
)

// Interceptor has the interceptors of one model. Its fields are not changed
// once it serves.
type Interceptor struct {
	Client  *client.Client
	Model   string
	Version string
	// Methods are the full names, /package.Service/Method, that predict; empty is
	// every one.
	Methods []string
	// Describe adds what a unary call says; false leaves the call out. It is
	// called for calls that succeeded. A panic of it is logged and costs only what
	// it would have added. Nil: latency and errors alone.
	Describe func(Call, *client.Prediction) bool
	// Logger is told of panics of Describe; nil is silence.
	Logger *slog.Logger
}

// Call is one that was answered.
type Call struct {
	Context context.Context
	Method  string
	Request any
	Answer  any
}

// Unary is a grpc.UnaryServerInterceptor.
func (i Interceptor) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	if !i.wanted(info.FullMethod) {
		return handle(ctx, req)
	}
	o := outcome{start: time.Now(), call: &Call{Context: ctx, Method: info.FullMethod, Request: req}}
	defer func() { i.record(o) }() // no recover, which would lose where a panic came from
	answer, err := handle(ctx, req)
	o.returned, o.err, o.call.Answer = true, err, answer
	return answer, err
}

// Stream is a grpc.StreamServerInterceptor. A stream is one row, with the time
// from its begin to its end; Describe is not called.
func (i Interceptor) Stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	if !i.wanted(info.FullMethod) {
		return handle(srv, stream)
	}
	o := outcome{start: time.Now()}
	defer func() { i.record(o) }()
	err := handle(srv, stream)
	o.returned, o.err = true, err
	return err
}

// outcome is how a call went.
type outcome struct {
	start    time.Time
	call     *Call // nil for a stream
	returned bool  // it did not panic
	err      error
}

func (i Interceptor) wanted(method string) bool {
	return len(i.Methods) == 0 || slices.Contains(i.Methods, method)
}

func (i Interceptor) record(o outcome) {
	p := client.Prediction{Model: i.Model, Version: i.Version, Time: o.start, Latency: max(time.Since(o.start), 1)}
	switch {
	case !o.returned:
		p.Error = "panic"
	case o.err != nil:
		code := status.Code(o.err)
		if callersFault(code) || errors.Is(o.err, context.Canceled) {
			return
		}
		p.Error = code.String()
	case o.call != nil && !i.describe(*o.call, &p):
		return
	}
	i.Client.Predict(p)
}

// callersFault says whether the model had no part in a failure.
func callersFault(code codes.Code) bool {
	switch code {
	case codes.Canceled, codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.PermissionDenied,
		codes.Unauthenticated, codes.FailedPrecondition, codes.OutOfRange:
		return true
	}
	return false
}

func (i Interceptor) describe(call Call, p *client.Prediction) (wanted bool) {
	if i.Describe == nil {
		return true
	}
	plain := *p
	defer func() {
		if r := recover(); r != nil {
			if i.Logger != nil {
				i.Logger.Warn("describing a call failed", "model", i.Model, "method", call.Method, "panic", r)
			}
			*p, wanted = plain, true
		}
	}()
	return i.Describe(call, p)
}
