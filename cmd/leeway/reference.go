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

const referenceUsage = `set --model NAME --from TIME --to TIME | set --model NAME --source import | clear --model NAME

Drift is measured against the reference: a range of the model's own time, the
rows that were imported with --kind reference, or else the model's first day.`

func reference(ctx context.Context, std stdio, args []string) error {
	var server, token, model, from, to, source string
	fs := flags(std, "reference", referenceUsage)
	fs.StringVar(&server, "server", "http://127.0.0.1:7420", "`URL` of the server")
	fs.StringVar(&token, "token", "", "access `token` with the role edit")
	fs.StringVar(&model, "model", "", "`name` of the model")
	fs.StringVar(&from, "from", "", "begin, such as 2026-01-31")
	fs.StringVar(&to, "to", "", "end")
	fs.StringVar(&source, "source", "", "import: the rows that were sent as reference")
	if len(args) == 0 || (args[0] != "set" && args[0] != "clear") {
		fs.Usage()
		return errUsage
	}
	if err := parse(fs, std, args[1:], 0); err != nil {
		return err
	}
	method, body := http.MethodDelete, map[string]string{}
	if args[0] == "set" {
		method, body = http.MethodPut, map[string]string{"from": from, "to": to}
		if source != "" {
			body = map[string]string{"source": source}
		}
	}
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
