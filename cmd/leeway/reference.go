package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

const referenceUsage = `set --model NAME --from TIME --to TIME | set --model NAME --source SOURCE |
set --model NAME --back 7d | set --model NAME --version NAME | clear --model NAME

Drift is measured against the reference: a range of the model's own time, the
rows that were imported with --kind reference, the same time a day or a week
before, what another version does, or else the model's first day.`

func reference(ctx context.Context, std stdio, args []string) error {
	var server, token, model string
	var body referenceBody
	fs := flags(std, "reference", referenceUsage)
	fs.StringVar(&server, "server", "http://127.0.0.1:7420", "`URL` of the server")
	fs.StringVar(&token, "token", "", "access `token` with the role edit")
	fs.StringVar(&model, "model", "", "`name` of the model")
	fs.StringVar(&body.From, "from", "", "begin, such as 2026-01-31")
	fs.StringVar(&body.To, "to", "", "end")
	fs.StringVar(&body.Source, "source", "", "import, first_day, previous, yesterday or same_day_last_week")
	fs.StringVar(&body.Back, "back", "", "the same `time` so long before: 1d, 7d, 12h")
	fs.StringVar(&body.Version, "version", "", "what this `version` does in the same time")
	if len(args) == 0 || (args[0] != "set" && args[0] != "clear") {
		fs.Usage()
		return errUsage
	}
	if err := parse(fs, std, args[1:], 0); err != nil {
		return err
	}
	method := http.MethodDelete
	if args[0] == "set" {
		method = http.MethodPut
	}
	body.complete()
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	target := strings.TrimSuffix(server, "/") + "/api/v1/models/" + url.PathEscape(model) + "/reference"
	answer, err := call(ctx, token, method, target, text)
	if err == nil && len(answer) > 0 {
		_, err = std.out.Write(append(answer, '\n'))
	}
	return err
}

// referenceBody is the body of PUT …/reference.
type referenceBody struct {
	From    string `json:"from,omitempty"`
	To      string `json:"to,omitempty"`
	Source  string `json:"source,omitempty"`
	Back    string `json:"back,omitempty"`
	Version string `json:"version,omitempty"`
}

// complete names the source that a flag means.
func (b *referenceBody) complete() {
	switch {
	case b.Source != "":
	case b.Back != "":
		b.Source = "earlier"
	case b.Version != "":
		b.Source = "version"
	}
}

// call makes one request to the API; a problem in the answer is an error.
func call(ctx context.Context, token, method, target string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && resp.StatusCode >= 300 {
		var p struct{ Title, Detail string }
		_ = json.Unmarshal(answer, &p) // a proxy may answer something else
		err = fmt.Errorf("%s: %s %s", resp.Status, p.Title, p.Detail)
	}
	return bytes.TrimSpace(answer), err
}
